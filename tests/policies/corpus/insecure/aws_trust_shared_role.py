"""The pods of two teams have the same role.

Caught by: aws-teams-roles-not-shared
"""

import json

import pulumi_aws as aws

trust = {
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}
role = aws.iam.Role("training", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
for team in ("vision", "speech"):
    aws.eks.PodIdentityAssociation(
        team, cluster_name="serving", namespace=team, service_account="training", role_arn=role.arn
    )
