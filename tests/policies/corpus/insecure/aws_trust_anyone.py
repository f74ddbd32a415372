"""Every account of AWS may take the role.

Caught by: aws-trust-no-anyone
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
aws.iam.Role("anyone", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
