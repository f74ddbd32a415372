"""A wildcard before the namespace lets service accounts of all namespaces take the role.

Caught by: aws-trust-web-identity-subject
"""

import json

import pulumi_aws as aws

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
statement = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{ISSUER}:sub": "system:*:training"},
    },
}
aws.iam.Role("training", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
