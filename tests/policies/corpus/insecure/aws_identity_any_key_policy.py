"""A pipeline may let anybody use any key.

Caught by: aws-identity-no-exposure
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Action": ["kms:DescribeKey", "kms:PutKeyPolicy"],
    "Resource": "arn:aws:kms:eu-west-1:123456789012:key/*",
}
aws.iam.Policy("any-key-policy", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
