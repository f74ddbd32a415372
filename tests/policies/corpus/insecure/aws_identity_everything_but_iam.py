"""A policy allows everything that it does not leave out.

Caught by: aws-identity-no-exclusions
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
aws.iam.Policy("everything-but-iam", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
