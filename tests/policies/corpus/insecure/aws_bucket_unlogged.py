"""A bucket of which nobody can tell who read it.

Caught by: aws-bucket-access-logged
"""

import json

import pulumi_aws as aws

NAME = "example-personal-data"
ARN = f"arn:aws:s3:::{NAME}"
STATEMENT = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}

key = aws.kms.Key("personal-data", description="Encrypts the personal data.", enable_key_rotation=True)
default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
bucket = aws.s3.Bucket(
    "personal-data",
    bucket=NAME,
    versioning={"enabled": True},
    server_side_encryption_configuration={"rule": {"apply_server_side_encryption_by_default": default}},
    lifecycle_rules=[
        {"enabled": True, "abort_incomplete_multipart_upload_days": 7, "noncurrent_version_expiration": {"days": 30}}
    ],
    policy=json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}),
)
aws.s3.BucketPublicAccessBlock(
    "personal-data",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)
