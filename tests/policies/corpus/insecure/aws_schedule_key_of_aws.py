"""A schedule whose content is encrypted by a key that AWS owns.

Caught by: aws-schedule-customer-managed-key
"""

import pulumi_aws as aws

aws.scheduler.Schedule(
    "nightly",
    schedule_expression="cron(0 20 * * ? *)",
    flexible_time_window={"mode": "OFF"},
    target={
        "arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances",
        "role_arn": "arn:aws:iam::123456789012:role/nightly",
        "input": '{"InstanceIds": ["i-0123456789abcdef0"]}',
    },
)
