"""A queue and a topic that services of AWS's send notices to, and an event bus for the organization."""

import json

import pulumi_aws as aws

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:notices"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms"
BUS = f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/shared"


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


events = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"}},
}
plain = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": QUEUE,
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
own = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["sns:Publish", "sns:Subscribe"],
    "Resource": TOPIC,
    "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
}
rules = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
}
organization = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "events:PutEvents",
    "Resource": BUS,
    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
}

key = aws.kms.Key("messages", description="Encrypts the messages.", enable_key_rotation=True)
# SQS encrypts it with a key of its own.
queue = aws.sqs.Queue("notices", name="notices")
aws.sqs.QueuePolicy("notices", queue_url=queue.id, policy=document(events, plain))
topic = aws.sns.Topic("alarms", name="alarms", kms_master_key_id=key.id)
aws.sns.TopicPolicy("alarms", arn=topic.arn, policy=document(own, rules))
bus = aws.cloudwatch.EventBus("shared", name="shared")
aws.cloudwatch.EventBusPolicy("shared", event_bus_name=bus.name, policy=document(organization))
aws.cloudwatch.EventPermission(
    "shared",
    statement_id="organization",
    principal="*",
    event_bus_name=bus.name,
    condition={"type": "StringEquals", "key": "aws:PrincipalOrgID", "value": "o-a1b2c3d4e5"},
)
