"""The driver of volumes works with the role of the nodes.

Caught by: aws-addon-own-role
"""

import pulumi_aws as aws

aws.eks.Addon("ebs", cluster_name="serving", addon_name="aws-ebs-csi-driver")
aws.eks.PodIdentityAssociation(
    "network",
    cluster_name="serving",
    namespace="kube-system",
    service_account="aws-node",
    role_arn="arn:aws:iam::123456789012:role/vpc-cni",
)
