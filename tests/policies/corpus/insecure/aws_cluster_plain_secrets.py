"""Kubernetes secrets have no key of the customer's own.

Caught by: aws-cluster-secrets-encrypted
"""

import pulumi_aws as aws

aws.eks.Cluster(
    "serving",
    role_arn="arn:aws:iam::123456789012:role/serving-cluster",
    vpc_config=aws.eks.ClusterVpcConfigArgs(
        subnet_ids=["subnet-0a1b2c3d", "subnet-4e5f6a7b"],
        endpoint_private_access=True,
        endpoint_public_access=False,
    ),
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    access_config=aws.eks.ClusterAccessConfigArgs(
        authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
    ),
    deletion_protection=True,
)
