"""A workflow of every repository of an organization may deploy.

Caught by: aws-trust-github-repository
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {
        "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
        "StringLike": {"token.actions.githubusercontent.com:sub": "repo:example/*:environment:production"},
    },
}
aws.iam.Role("whole-organization", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
