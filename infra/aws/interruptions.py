"""Notices that EC2 is about to take an instance, in a queue that the node termination handler or Karpenter reads, and
the role of the former.

Two minutes lie between a spot instance's notice and its end: enough to write a checkpoint, if somebody tells the pod.
Sources: aws-node-termination-handler, its guide for queue mode; Karpenter, "Interruption".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.pod_role import OidcIssuer, PodRole, PodRoleArguments
from infra.aws.settings import IdentitySettings

RETENTION_SECONDS = 300
"""Seconds that a notice is kept: an older one is about an instance that is gone."""

EVENTS: dict[str, dict[str, Any]] = {
    "spot-interruption": {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]},
    "rebalance": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance Rebalance Recommendation"]},
    "state-change": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
    # The user guide's editions name the first one differently. Source: Amazon EC2 user guide, "Monitor Capacity Blocks
    # using EventBridge".
    "capacity-block": {
        "source": ["aws.ec2"],
        "detail-type": [
            "Capacity Block Expiration Warning",
            "Capacity Block Reservation Expiration Warning",
            "EC2 Capacity Reservation Instance Interruption Warning",
        ],
    },
    "scheduled-change": {
        "source": ["aws.health"],
        "detail-type": ["AWS Health Event"],
        "detail": {"service": ["EC2"], "eventTypeCategory": ["scheduledChange"]},
    },
    "termination": {"source": ["aws.autoscaling"], "detail-type": ["EC2 Instance-terminate Lifecycle Action"]},
}
"""What can be told of, by name."""
OF_GROUPS = ("termination",)
"""What only groups of nodes are told of; Karpenter has none."""
SERVICE_ACCOUNT = "aws-node-termination-handler"
QUEUE = "interruptions"
"""Purpose of the queue, and of the role of the termination handler."""


@dataclass(frozen=True, kw_only=True)
class InterruptionsArguments:
    """What the queue is made from."""

    names: Names
    identity: IdentitySettings
    cluster_name: pulumi.Input[str]
    reader: Literal["handler", "karpenter", "nobody"]
    """Who reads the queue: the node termination handler, which gets a role for it, or Karpenter, which has one."""
    rebalance: bool = False
    """Whether it is told that EC2 recommends to leave an instance. The handler drains whatever it is told of."""
    oidc: OidcIssuer | None = None
    """The cluster's issuer, where the mechanism is IRSA."""

    @property
    def events(self) -> Mapping[str, Mapping[str, Any]]:
        """What the reader is told of."""
        left_out = set() if self.rebalance else {"rebalance"}
        if self.reader == "karpenter":
            left_out.update(OF_GROUPS)
        return {event: pattern for event, pattern in EVENTS.items() if event not in left_out}


def queue_policy(names: Names, events: Iterable[str] = EVENTS) -> dict[str, Any]:
    """This stack's rules for the events may send, and nobody comes without TLS."""
    queue = names.arn("sqs", names.queue(QUEUE))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NoticesOfTheStack",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": [rule_arn(names, event) for event in events]}},
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def consumer_policy(names: Names) -> dict[str, Any]:
    """What whoever reads the queue and drains nodes may do.

    Source: aws-node-termination-handler, "IAM role for queue mode". What only describes knows no single resources.
    """
    read = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    describe = [
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeTags",
        "ec2:DescribeInstances",
    ]
    own = {"StringEquals": {"aws:ResourceTag/eks:cluster-name": names.cluster}}
    groups = names.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadNotices",
                "Effect": "Allow",
                "Action": read,
                "Resource": names.arn("sqs", names.queue(QUEUE)),
            },
            {"Sid": "FindNodes", "Effect": "Allow", "Action": describe, "Resource": "*"},
            {
                "Sid": "LetNodesGo",
                "Effect": "Allow",
                "Action": "autoscaling:CompleteLifecycleAction",
                "Resource": groups,
                "Condition": own,
            },
        ],
    }


def rule_arn(names: Names, event: str) -> str:
    """The ARN of the rule for an event."""
    return names.arn("events", f"rule/{names.event_rule(event)}")


class Interruptions(pulumi.ComponentResource):
    """The queue, and a rule for each kind of notice."""

    queue_url: pulumi.Output[str]
    """The queue's address."""

    def __init__(self, name: str, args: InterruptionsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Interruptions", name, None, opts)
        names, child = args.names, pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            name,
            name=names.queue(QUEUE),
            message_retention_seconds=RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        policy = aws.sqs.QueuePolicy(
            name, queue_url=queue.url, policy=json.dumps(queue_policy(names, args.events)), opts=child
        )
        for event, pattern in args.events.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{event}",
                name=names.event_rule(event),
                description=f"Tells the nodes of {names.cluster}: {event}",
                event_pattern=json.dumps(pattern, sort_keys=True),
                opts=child,
            )
            aws.cloudwatch.EventTarget(
                f"{name}-{event}",
                rule=rule.name,
                arn=queue.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        if args.reader == "handler":
            self._make_role(f"{name}-handler", args)
        self.queue_url = queue.url
        self.register_outputs({"queue_url": self.queue_url})

    def _make_role(self, name: str, args: InterruptionsArguments) -> None:
        PodRole(
            name,
            PodRoleArguments(
                names=args.names,
                settings=args.identity,
                purpose=QUEUE,
                namespace="kube-system",
                service_account=SERVICE_ACCOUNT,
                cluster_name=args.cluster_name,
                policy=json.dumps(consumer_policy(args.names)),
                oidc=args.oidc,
            ),
            pulumi.ResourceOptions(parent=self),
        )
