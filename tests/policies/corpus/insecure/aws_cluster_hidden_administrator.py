"""Who makes the cluster stays its administrator.

Caught by: aws-cluster-no-hidden-administrator
"""

import pulumi_aws as aws

key = aws.kms.Key("secrets", description="Encrypts the secrets.", enable_key_rotation=True, deletion_window_in_days=30)
aws.eks.Cluster(
    "serving",
    role_arn="arn:aws:iam::123456789012:role/serving-cluster",
    vpc_config=aws.eks.ClusterVpcConfigArgs(
        subnet_ids=["subnet-0a1b2c3d", "subnet-4e5f6a7b"],
        endpoint_private_access=True,
        endpoint_public_access=False,
    ),
    encryption_config=aws.eks.ClusterEncryptionConfigArgs(
        provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
    ),
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    access_config=aws.eks.ClusterAccessConfigArgs(authentication_mode="API"),
    deletion_protection=True,
)
