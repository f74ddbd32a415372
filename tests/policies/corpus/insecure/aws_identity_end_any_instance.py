"""A role that scales a pool may end every instance of the account.

Caught by: aws-identity-no-wildcard-resource
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Action": ["ec2:DescribeInstances", "ec2:TerminateInstances"], "Resource": "*"}
aws.iam.RolePolicy(
    "end-any-instance", role="worker", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
)
