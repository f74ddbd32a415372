"""A function with the policy that AWS writes for it, and a controller's that changes only what it has tagged itself."""

import json

import pulumi_aws as aws

ACCOUNT = "123456789012"


def document(*statements: dict[str, object]) -> str:
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


role = aws.iam.Role(
    "report",
    assume_role_policy=document(
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ),
)
aws.iam.RolePolicy(
    "report",
    role=role.name,
    policy=document(
        {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/report:*"],
        },
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:prod/database-??????",
        },
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}},
        },
    ),
)
aws.lambda_.Function(
    "report",
    role=role.arn,
    package_type="Image",
    image_uri=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/report@sha256:" + "0a" * 32,
    environment={"variables": {"SECRET_ID": "prod/database", "DATABASE_URL": "postgresql://db.example.com/report"}},
)
aws.iam.Policy(
    "balancers",
    policy=document(
        {
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:DeleteTargetGroup"],
            "Resource": "*",
            "Condition": {"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}},
        },
        {
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        },
    ),
)
