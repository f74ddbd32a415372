"""Two teams decrypt with the same key.

Caught by: aws-teams-own-keys
"""

import json

import pulumi_aws as aws


def make_team(team: str, statement: dict[str, str]) -> None:
    """A role that the pods of a team have."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": team}},
    }
    role = aws.iam.Role(team, assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    aws.iam.RolePolicy(team, role=role.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


key = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:123456789012:key/3f9a"}
make_team("vision", key)
make_team("speech", key)
