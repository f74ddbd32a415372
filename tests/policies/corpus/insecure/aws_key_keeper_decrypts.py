"""A key whose keeper may also read all that it encrypts.

Caught by: aws-key-policy-least
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
        "Sid": "Keep",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/key-keeper"},
        "Action": "kms:*",
        "Resource": "*",
    },
]
aws.kms.Key(
    "data",
    description="Encrypts the data.",
    enable_key_rotation=True,
    policy=json.dumps({"Version": "2012-10-17", "Statement": STATEMENTS}),
)
