"""A workflow of whatever repository on GitHub may take the role.

Caught by: aws-trust-github-repository
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
}
aws.iam.Role("any-repository", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
