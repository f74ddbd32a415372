"""Every service account of the cluster may take the role.

Caught by: aws-trust-web-identity-subject
"""

import json

import pulumi_aws as aws

statement = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A1B2:aud": "sts.amazonaws.com"}},
}
aws.iam.Role("any-service-account", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
