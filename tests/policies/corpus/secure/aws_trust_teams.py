"""Two teams whose pods write below their own prefix of one bucket, and decrypt with keys of their own."""

import json

import pulumi_aws as aws


def make_team(team: str) -> None:
    """A role that the team's service account `training` takes, and what it may do."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": team}},
    }
    role = aws.iam.Role(
        team,
        name=f"training-{team}",
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    policy = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::example-models/{team}/*",
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:Decrypt"],
            "Resource": f"arn:aws:kms:eu-west-1:123456789012:key/{team}",
        },
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "arn:aws:kms:eu-west-1:123456789012:key/bucket",
            "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::example-models",
            "Condition": {"StringLike": {"s3:prefix": f"{team}/*"}},
        },
    ]
    aws.iam.RolePolicy(team, role=role.name, policy=json.dumps({"Version": "2012-10-17", "Statement": policy}))
    aws.eks.PodIdentityAssociation(
        team, cluster_name="serving", namespace=team, service_account="training", role_arn=role.arn
    )


make_team("vision")
make_team("speech")
