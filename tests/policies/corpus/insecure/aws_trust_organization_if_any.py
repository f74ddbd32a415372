"""The organization is compared only where the caller's account is of one.

Caught by: aws-trust-no-anyone
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"AWS": ["*"]},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-0a1b2c3d4e"}},
}
aws.iam.Role("reader", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
