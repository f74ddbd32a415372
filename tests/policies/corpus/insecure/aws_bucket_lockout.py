"""A bucket that was frozen so well that nobody can thaw it.

Caught by: aws-bucket-policy-no-lockout
"""

import json

import pulumi_aws as aws

ARN = "arn:aws:s3:::example-archive"
freeze = {"Sid": "Freeze", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"]}
aws.s3.BucketPolicy(
    "archive",
    bucket="example-archive",
    policy=json.dumps({"Version": "2012-10-17", "Statement": [freeze]}),
)
