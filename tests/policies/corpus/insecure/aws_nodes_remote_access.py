"""A node group whose nodes take SSH from everywhere, because no group is named.

Caught by: aws-node-group-no-remote-access
"""

import pulumi_aws as aws

aws.ebs.EncryptionByDefault("always")
aws.eks.NodeGroup(
    "nodes",
    cluster_name="models",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    subnet_ids=["subnet-0123456789abcdef0"],
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.large", "m6i.large"],
    remote_access={"ec2_ssh_key": "admin"},
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
)
