"""A bucket that keeps nothing of what is overwritten.

Caught by: aws-bucket-versioned
"""

import json

import pulumi_aws as aws

NAME = "example-features"
ARN = f"arn:aws:s3:::{NAME}"
STATEMENT = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}

key = aws.kms.Key("features", description="Encrypts the features.", enable_key_rotation=True)
default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
bucket = aws.s3.Bucket(
    "features",
    bucket=NAME,
    server_side_encryption_configuration={"rule": {"apply_server_side_encryption_by_default": default}},
    logging={"target_bucket": "example-access-records", "target_prefix": "features/"},
    lifecycle_rules=[{"enabled": True, "abort_incomplete_multipart_upload_days": 7}],
    policy=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
)
aws.s3.BucketPublicAccessBlock(
    "features",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
