"""Two teams write to the same place of a bucket.

Caught by: aws-teams-own-prefixes
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


runs = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::example-checkpoints/runs/*"}
make_team("vision", runs)
make_team("speech", runs)
