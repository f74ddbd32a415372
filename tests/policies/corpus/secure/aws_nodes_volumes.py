"""Volumes and shared file systems, encrypted under a key of one's own where one can be had."""

import pulumi_aws as aws

KEY = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab"

aws.ebs.SnapshotCopy(
    "golden",
    source_snapshot_id="snap-0123456789abcdef0",
    source_region="us-east-1",
    encrypted=True,
    kms_key_id=KEY,
)
datasets = aws.efs.FileSystem("datasets", encrypted=True, kms_key_id=KEY)
aws.efs.MountTarget("datasets", file_system_id=datasets.id, subnet_id="subnet-0123456789abcdef0")
# A scratch file system is always encrypted, under a key that nobody can choose.
aws.fsx.LustreFileSystem(
    "scratch", storage_capacity=1200, subnet_ids="subnet-0123456789abcdef0", deployment_type="SCRATCH_2"
)
aws.fsx.LustreFileSystem(
    "checkpoints",
    storage_capacity=1200,
    subnet_ids="subnet-0123456789abcdef0",
    deployment_type="PERSISTENT_2",
    per_unit_storage_throughput=125,
    kms_key_id=KEY,
)
