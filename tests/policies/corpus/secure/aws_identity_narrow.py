"""Policies with wildcards that are limited: by resource, by condition, or because AWS lets nothing be named."""

import json

import pulumi_aws as aws

policy = aws.iam.Policy(
    "operator",
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["ec2:Describe*", "eks:ListClusters", "iam:Get*"], "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": ["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"],
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Action": ["ec2:StopInstances", "ec2:TerminateInstances"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/project": "digits"}},
                },
                {
                    "Effect": "Allow",
                    "Action": "iam:PassRole",
                    "Resource": "arn:aws:iam::123456789012:role/digits-*",
                    "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject*", "s3:PutBucket*"],
                    "Resource": ["arn:aws:s3:::digits-models", "arn:aws:s3:::digits-models/*"],
                },
                {
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
                },
                {
                    "Effect": "Deny",
                    "NotAction": ["sts:*"],
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:ViaAWSService": "false"}},
                },
            ],
        }
    ),
)
group = aws.iam.Group("operators")
aws.iam.GroupPolicyAttachment("operators", group=group.name, policy_arn=policy.arn)
aws.iam.AccountPasswordPolicy("passwords", minimum_password_length=16, password_reuse_prevention=24)
