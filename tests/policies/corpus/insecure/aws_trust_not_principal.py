"""Every account of AWS but one may take the role.

Caught by: aws-trust-no-anyone
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"}
aws.iam.Role("all-but-one", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
