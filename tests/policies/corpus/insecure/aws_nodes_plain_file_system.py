"""A shared file system of data sets that is not encrypted.

Caught by: aws-file-system-encrypted
"""

import pulumi_aws as aws

files = aws.efs.FileSystem("datasets", throughput_mode="elastic")
aws.efs.MountTarget("datasets", file_system_id=files.id, subnet_id="subnet-0123456789abcdef0")
