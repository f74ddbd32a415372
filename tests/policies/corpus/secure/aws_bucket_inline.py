"""A bucket in the older style, with all but the switches against the public written within it."""

import json

import pulumi_aws as aws

NAME = "example-models"
ARN = f"arn:aws:s3:::{NAME}"
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
STATEMENTS = [
    {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": ARN, "Condition": PLAIN},
    {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": f"{ARN}/*", "Condition": PLAIN},
    {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/server"},
        "Action": "s3:GetObject",
        "Resource": f"{ARN}/*",
    },
]
CLOSED = {
    "block_public_acls": True,
    "block_public_policy": True,
    "ignore_public_acls": True,
    "restrict_public_buckets": True,
}

key = aws.kms.Key("models", description="Encrypts the models.", enable_key_rotation=True)
default = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
bucket = aws.s3.Bucket(
    "models",
    bucket=NAME,
    acl="private",
    versioning={"enabled": True},
    server_side_encryption_configuration={"rule": {"apply_server_side_encryption_by_default": default}},
    logging={"target_bucket": "example-access-records", "target_prefix": "models/"},
    lifecycle_rules=[
        {
            "enabled": True,
            "abort_incomplete_multipart_upload_days": 7,
            "noncurrent_version_expiration": {"days": 90},
        }
    ],
    policy=json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS}),
)
aws.s3.BucketPublicAccessBlock("models", bucket=bucket.id, **CLOSED)
