"""A key that every account may use, if only through S3.

Caught by: aws-key-policy-not-public
"""

import json

import pulumi_aws as aws

STATEMENTS = [
    {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "kms:*",
        "Resource": "*",
    },
    {
        "Sid": "ThroughS3",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
    },
]
aws.kms.Key(
    "data",
    description="Encrypts the data.",
    enable_key_rotation=True,
    policy=json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS}),
)
