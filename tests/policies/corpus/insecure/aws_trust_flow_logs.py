"""The service of flow logs may take the role for other accounts.

Caught by: aws-trust-services-for-own-account
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
aws.iam.Role("flow-logs", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
