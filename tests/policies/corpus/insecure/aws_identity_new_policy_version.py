"""A pipeline may change whatever policy it has itself.

Caught by: aws-identity-no-privilege-escalation
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": ["iam:CreatePolicyVersion", "iam:GetPolicy"], "Resource": "*"}
aws.iam.Policy("new-policy-version", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
