"""A session with the role lasts half a day.

Caught by: aws-trust-sessions-short
"""

import json

import pulumi_aws as aws

statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
aws.iam.Role(
    "half-day",
    assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    max_session_duration=43200,
)
