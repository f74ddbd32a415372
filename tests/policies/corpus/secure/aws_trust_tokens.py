"""Roles that are taken by tokens of a cluster and of GitHub, by another account with an external identifier, and by own
people who have to have signed in twice."""

import json

import pulumi_aws as aws

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2"
GITHUB = "token.actions.githubusercontent.com"
PROVIDERS = "arn:aws:iam::123456789012:oidc-provider"


def make_role(name: str, principal: dict[str, str], action: str, condition: dict[str, object]) -> None:
    """A role that one kind of principal may take."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}
    aws.iam.Role(
        name,
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": statement}),
        max_session_duration=4 * 3600,
    )


make_role(
    "training",
    {"Federated": f"{PROVIDERS}/{ISSUER}"},
    "sts:AssumeRoleWithWebIdentity",
    {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "system:serviceaccount:digits:training",
        }
    },
)
make_role(
    "workflow",
    {"Federated": f"{PROVIDERS}/{GITHUB}"},
    "sts:AssumeRoleWithWebIdentity",
    {
        "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{GITHUB}:sub": "repo:example/digits:ref:refs/tags/v*"},
    },
)
make_role(
    "auditor",
    {"AWS": "arn:aws:iam::999988887777:root"},
    "sts:AssumeRole",
    {"StringEquals": {"sts:ExternalId": "7f3c9e"}},
)
make_role(
    "organization",
    {"AWS": "*"},
    "sts:AssumeRole",
    {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}},
)
