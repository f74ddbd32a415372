"""A policy allows everything, as long as it is in one region.

Caught by: aws-identity-no-wildcard-action
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
}
aws.iam.Policy("everything", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
