"""Checkpoints on a file system under the key that AWS manages.

Caught by: aws-file-system-customer-managed-key
"""

import pulumi_aws as aws

aws.fsx.LustreFileSystem(
    "checkpoints",
    storage_capacity=1200,
    subnet_ids="subnet-0123456789abcdef0",
    deployment_type="PERSISTENT_2",
    per_unit_storage_throughput=125,
)
