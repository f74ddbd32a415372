"""Cases of the rules for queues, topics and event buses."""

import json
from typing import Any

from policies.aws import messages
from policies.aws.messages import BUS_PERMISSION, BUS_POLICY, QUEUE, QUEUE_POLICY, TOPIC, TOPIC_POLICY
from policies.cases import Cases, made

EVENTS = {"Service": "events.amazonaws.com"}
ALARMS = {"Service": "cloudwatch.amazonaws.com"}
RULE = {"ArnEquals": {"aws:SourceArn": ["arn:aws:events:eu-west-1:123456789012:rule/spot"]}}
OWNER = {"StringEquals": {"AWS:SourceOwner": "123456789012"}}
ORGANIZATION = {"type": "StringEquals", "key": "aws:PrincipalOrgID", "value": "o-a1b2c3"}


def policy(principal: Any, condition: Any = None, *, effect: str = "Allow", sid: str = "Send") -> dict[str, str]:
    """A policy that lets somebody send."""
    stated = {"Sid": sid, "Effect": effect, "Principal": principal, "Action": "*:Send*", "Resource": "*"}
    return {"policy": json.dumps({"Statement": [stated | ({"Condition": condition} if condition else {})]})}


CASES = (
    Cases(
        messages.queue_encrypted,
        passing=[
            made(QUEUE, "it"),
            made(QUEUE, "it", {"sqsManagedSseEnabled": True}),
            made(QUEUE, "it", {"kmsMasterKeyId": "alias/messages"}),
            made(QUEUE, "it", {"sqsManagedSseEnabled": False, "kmsMasterKeyId": "alias/messages"}),
        ],
        failing=[
            (made(QUEUE, "it", {"sqsManagedSseEnabled": False}), "The queue is not encrypted."),
            (made(QUEUE, "it", {"sqsManagedSseEnabled": False, "kmsMasterKeyId": ""}), "The queue is not encrypted."),
        ],
    ),
    Cases(
        messages.topic_encrypted,
        passing=[
            made(TOPIC, "it", {"kmsMasterKeyId": "alias/aws/sns"}),
            made(TOPIC, "it", refers={"kmsMasterKeyId": made("aws:kms/key:Key", "messages")}),
        ],
        failing=[
            (made(TOPIC, "it", {"name": "alarms"}), "The topic is not encrypted."),
            (made(TOPIC, "it", {"kmsMasterKeyId": ""}), "The topic is not encrypted."),
        ],
    ),
    Cases(
        messages.queue_policy_not_public,
        passing=[
            made(QUEUE, "it"),
            made(QUEUE_POLICY, "it", policy(EVENTS, RULE)),
            made(QUEUE_POLICY, "it", policy("*", RULE)),
            made(QUEUE_POLICY, "it", policy("*", {"Bool": {"aws:SecureTransport": "false"}}, effect="Deny")),
            made(QUEUE, "it", policy({"AWS": "arn:aws:iam::123456789012:role/worker"})),
        ],
        failing=[
            (made(QUEUE_POLICY, "it", policy("*")), "Statement Send lets everybody in"),
            (made(QUEUE, "it", policy({"AWS": "*"})), "lets everybody in"),
            (made(QUEUE_POLICY, "it", policy("*", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}})), "everybody in"),
        ],
    ),
    Cases(
        messages.topic_policy_not_public,
        passing=[
            made(TOPIC, "it"),
            made(TOPIC_POLICY, "it", policy(EVENTS)),
            made(TOPIC_POLICY, "it", policy({"AWS": "*"}, OWNER)),
            made(TOPIC_POLICY, "it", policy("*", {"StringLike": {"sns:Endpoint": "*@example.com"}})),
        ],
        failing=[
            (made(TOPIC_POLICY, "it", policy("*")), "Statement Send lets everybody in"),
            (made(TOPIC, "it", policy({"AWS": "*"}, {"StringEquals": {"sns:Protocol": "https"}})), "everybody in"),
        ],
    ),
    Cases(
        messages.event_bus_not_public,
        passing=[
            made(BUS_POLICY, "it", policy({"AWS": "210987654321"})),
            made(BUS_POLICY, "it", policy("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}})),
            made(BUS_PERMISSION, "it", {"principal": "210987654321", "statementId": "other"}),
            made(BUS_PERMISSION, "it", {"principal": "*", "condition": ORGANIZATION}),
        ],
        failing=[
            (made(BUS_POLICY, "it", policy("*")), "Statement Send lets everybody in"),
            (made(BUS_PERMISSION, "it", {"principal": "*", "statementId": "all"}), "The permission lets everybody in"),
        ],
    ),
    Cases(
        messages.messages_name_source,
        passing=[
            made(QUEUE, "it"),
            made(QUEUE_POLICY, "it", policy(EVENTS, RULE)),
            made(QUEUE_POLICY, "it", policy(EVENTS, {"StringEquals": {"aws:SourceAccount": "123456789012"}})),
            made(TOPIC_POLICY, "it", policy(EVENTS)),
            made(TOPIC_POLICY, "it", policy({"AWS": "arn:aws:iam::123456789012:role/worker"})),
            made(QUEUE_POLICY, "it", policy(EVENTS, effect="Deny")),
        ],
        failing=[
            (
                made(QUEUE_POLICY, "it", policy(EVENTS)),
                "Statement Send lets events.amazonaws.com in, whoever it acts for.",
            ),
            (made(QUEUE, "it", policy(EVENTS, {"Bool": {"aws:SecureTransport": "true"}})), "lets events.amazonaws.com"),
            (made(TOPIC_POLICY, "it", policy(ALARMS)), "lets cloudwatch.amazonaws.com in"),
            (
                made(TOPIC, "it", policy(ALARMS, {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:*:*:*"}})),
                "cloudwatch",
            ),
        ],
    ),
)
