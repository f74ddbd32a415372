"""A machine that is stopped every night, by a role that only this account's schedules act by."""

import json

import pulumi_aws as aws

ACCOUNT = "123456789012"
INSTANCE = "i-0123456789abcdef0"
trusted = {
    "Effect": "Allow",
    "Principal": {"Service": "scheduler.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule-group/nightly"},
    },
}
stop = {
    "Effect": "Allow",
    "Action": "ec2:StopInstances",
    "Resource": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{INSTANCE}",
}

key = aws.kms.Key("schedules", description="Encrypts what schedules send.", enable_key_rotation=True)
role = aws.iam.Role("nightly", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}))
aws.iam.RolePolicy("nightly", role=role.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [stop]}))
group = aws.scheduler.ScheduleGroup("nightly", name="nightly")
aws.scheduler.Schedule(
    "nightly",
    group_name=group.name,
    schedule_expression="cron(0 20 * * ? *)",
    flexible_time_window={"mode": "OFF"},
    kms_key_arn=key.arn,
    target={
        "arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances",
        "role_arn": role.arn,
        "input": json.dumps({"InstanceIds": [INSTANCE]}),
    },
)
