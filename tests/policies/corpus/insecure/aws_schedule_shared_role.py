"""A schedule that acts by a role which functions take as well.

Caught by: aws-schedule-role-of-its-own
"""

import json

import pulumi_aws as aws

ACCOUNT = "123456789012"
own = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
trusted = [
    {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": own,
    }
    for service in ("scheduler.amazonaws.com", "lambda.amazonaws.com")
]
role = aws.iam.Role("nightly", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": trusted}))
aws.scheduler.Schedule(
    "nightly",
    schedule_expression="cron(0 20 * * ? *)",
    flexible_time_window={"mode": "OFF"},
    kms_key_arn=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0123abcd-0123-0123-0123-0123456789ab",
    target={
        "arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances",
        "role_arn": role.arn,
        "input": '{"InstanceIds": ["i-0123456789abcdef0"]}',
    },
)
