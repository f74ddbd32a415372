"""A trail into a bucket that another stack keeps, and a log group that forgets nothing."""

import json

import pulumi_aws as aws

ACCOUNT = "123456789012"
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/all"
SERVICES = ["cloudtrail.amazonaws.com", "logs.eu-west-1.amazonaws.com"]

key = aws.kms.Key(
    "records",
    description="Encrypts what was done.",
    enable_key_rotation=True,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": SERVICES},
                    "Action": ["kms:GenerateDataKey*", "kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"],
                    "Resource": "*",
                },
            ],
        }
    ),
)
aws.cloudwatch.LogGroup("training", name="/example/training", kms_key_id=key.arn)
aws.cloudtrail.Trail(
    "all",
    name="all",
    s3_bucket_name="example-audit-records",
    is_multi_region_trail=True,
    enable_log_file_validation=True,
    kms_key_id=key.arn,
)
