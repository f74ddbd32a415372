"""Everybody in a partner's account may take the role.

Caught by: aws-trust-foreign-accounts-narrow
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}
aws.iam.Role("partner-account", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
