"""A node group without a launch template, whose disks EKS makes as it likes.

Caught by: aws-instance-disks-encrypted
"""

import pulumi_aws as aws

aws.eks.NodeGroup(
    "nodes",
    cluster_name="models",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    subnet_ids=["subnet-0123456789abcdef0"],
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.large", "m6i.large"],
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
)
