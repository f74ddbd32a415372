"""A cluster that the offices reach over the internet, with an older way for add-ons to have roles of their own."""

import json

import pulumi_aws as aws

key = aws.kms.Key("secrets", description="Encrypts the secrets.", enable_key_rotation=True, deletion_window_in_days=30)
trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = aws.iam.Role("cluster", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
cluster = aws.eks.Cluster(
    "serving",
    role_arn=role.arn,
    vpc_config=aws.eks.ClusterVpcConfigArgs(
        subnet_ids=["subnet-0a1b2c3d", "subnet-4e5f6a7b"],
        endpoint_private_access=True,
        endpoint_public_access=True,
        public_access_cidrs=["203.0.113.0/24"],
    ),
    encryption_config=aws.eks.ClusterEncryptionConfigArgs(
        provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
    ),
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    access_config=aws.eks.ClusterAccessConfigArgs(
        authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
    ),
    deletion_protection=True,
)
aws.eks.AccessEntry(
    "engineers", cluster_name=cluster.name, principal_arn="arn:aws:iam::123456789012:role/platform-engineers"
)
aws.eks.Addon(
    "vpc-cni",
    addon_name="vpc-cni",
    cluster_name=cluster.name,
    service_account_role_arn="arn:aws:iam::123456789012:role/vpc-cni",
)
aws.eks.Addon("ebs", addon_name="aws-ebs-csi-driver", cluster_name=cluster.name)
aws.eks.PodIdentityAssociation(
    "ebs",
    cluster_name=cluster.name,
    namespace="kube-system",
    service_account="ebs-csi-controller-sa",
    role_arn="arn:aws:iam::123456789012:role/ebs-csi",
)
