"""A copy of a snapshot that lies in another region unencrypted.

Caught by: aws-volume-encrypted
"""

import pulumi_aws as aws

aws.ebs.SnapshotCopy("golden", source_snapshot_id="snap-0123456789abcdef0", source_region="us-east-1")
