"""A token for whatever service takes the role.

Caught by: aws-trust-web-identity-audience
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"gitlab.com:sub": "project_path:example/digits:ref_type:branch:ref:main"}},
}
aws.iam.Role("any-audience", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
