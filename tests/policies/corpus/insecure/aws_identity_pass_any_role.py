"""A notebook's role may hand every role of the account to an instance.

Caught by: aws-identity-no-privilege-escalation
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/*"}
aws.iam.RolePolicy(
    "pass-any-role", role="worker", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
)
