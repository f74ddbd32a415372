"""The policy allows everything, though from the office only.

Caught by: aws-identity-no-wildcard-action
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Action": "*",
    "Resource": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
}
aws.iam.Policy("operators", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
