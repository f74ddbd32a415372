"""The dead-man switch: at the moment at which the stack expires, AWS itself ends what is dear, with nobody there.

EventBridge Scheduler calls EKS and EC2: each pool of GPU nodes goes to none, the single machine is stopped, and the
nodes that Karpenter started are terminated (`expiry_nodes`). It calls again every quarter of an hour from then on, so
one call that fails is not the end, and stops when the stack is destroyed. That nothing starts nodes anew is not left to
the schedules: from that moment on the rights to do so have run out (`expiry_moment.until`, in the policies of what
starts nodes), and a managed node group whose wanted size is none stays so by itself.

A later moment changes schedules and policies in place: of a schedule only another name or group is another schedule, in
EventBridge's API as in Terraform's provider. Sources: EventBridge Scheduler user guide, "Schedule types"
(a rate's first call is at its start date), "Using universal targets" (the operation is part of the target's ARN; what
it is given is named as in AWS's SDKs, with a capital first: with EKS's own names CreateSchedule answers that
ClusterName is missing) and "Confused deputy prevention" (the source's ARN is that of the group of schedules, never that
of one).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.expiry_nodes import EndNodes, EndNodesArguments
from infra.aws.naming import Names
from infra.expiry_moment import moment_in_utc

ROLE = "expiry"
"""Purpose of the role that the schedules act by."""
EVERY = "rate(15 minutes)"
"""How often it is done once the moment has come."""
RETRIES = 5
"""Attempts after one that failed, until the next call is due."""
OLDEST_SECONDS = 900
"""Seconds after which a call that failed is given up: the next one is due."""
ENCRYPTION_CONTEXT = "kms:EncryptionContext:aws:scheduler:schedule:arn"
"""What a request for a schedule's key names it by. Source: EventBridge Scheduler user guide, "Encryption at rest"."""


@dataclass(frozen=True, kw_only=True)
class ExpiryArguments:
    """What is ended, and when."""

    names: Names
    expires_at: str
    """The moment, with its zone."""
    cluster_name: pulumi.Input[str]
    node_groups: Mapping[str, aws.eks.NodeGroup]
    """The managed node groups of GPU nodes, by the name of their pool."""
    machine_instance_id: pulumi.Input[str] | None = None
    karpenter: bool = False
    """Whether Karpenter starts nodes, which then are of no group."""
    key_arn: pulumi.Input[str]
    """The key that encrypts what the schedules send."""
    permissions_boundary_arn: str = ""


def scheduler_trust(names: Names) -> dict[str, Any]:
    """EventBridge Scheduler, for this stack's group of schedules and no other."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SchedulesOfTheStack",
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnEquals": {"aws:SourceArn": names.schedule_group_arn},
                },
            }
        ],
    }


def switch_policy(
    names: Names,
    key_arn: str,
    *,
    node_group_arns: list[str],
    instance_id: str | None,
    state_machine_arn: str | None,
) -> dict[str, Any]:
    """What the schedules may do: these groups, this machine, this state machine."""
    statements = [
        {
            "Sid": "ReadOwnSchedules",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key_arn,
            "Condition": {"ArnLike": {ENCRYPTION_CONTEXT: names.schedule_arn("*")}},
        }
    ]
    granted: list[tuple[str, str, Any]] = [
        ("EmptyPools", "eks:UpdateNodegroupConfig", node_group_arns),
        ("StopMachine", "ec2:StopInstances", instance_id and names.arn("ec2", f"instance/{instance_id}")),
        ("EndNodes", "states:StartExecution", state_machine_arn),
    ]
    statements += [
        {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
        for sid, action, resource in granted
        if resource
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def empty_pool(cluster: str, node_group: str) -> str:
    """What EKS is asked: no node at least, and none wanted. How many there may be stays as it is."""
    scaling = {"MinSize": 0, "DesiredSize": 0}
    return json.dumps({"ClusterName": cluster, "NodegroupName": node_group, "ScalingConfig": scaling})


def stop_machine(instance_id: str) -> str:
    """What EC2 is asked. A machine that is stopped keeps its volume, and what somebody left there."""
    return json.dumps({"InstanceIds": [instance_id]})


class Expiry(pulumi.ComponentResource):
    """A schedule for each pool, for the machine and for Karpenter's nodes, and the role that they act by."""

    def __init__(self, name: str, args: ExpiryArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Expiry", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._end_nodes = self._make_end_nodes() if args.karpenter else None
        self._role, self._policy = self._make_role()
        self._group = aws.scheduler.ScheduleGroup(name, name=args.names.schedule_group, opts=self._child)
        calls = f"arn:{args.names.partition}:scheduler:::aws-sdk"
        for pool, group in args.node_groups.items():
            given = pulumi.Output.all(args.cluster_name, group.node_group_name).apply(lambda each: empty_pool(*each))
            self._make_schedule(f"gpu-{pool}", f"Empties the pool {pool}", f"{calls}:eks:updateNodegroupConfig", given)
        if args.machine_instance_id is not None:
            given = pulumi.Output.from_input(args.machine_instance_id).apply(stop_machine)
            self._make_schedule("machine", "Stops the single machine", f"{calls}:ec2:stopInstances", given)
        if self._end_nodes:
            arn = self._end_nodes.state_machine_arn
            self._make_schedule("karpenter", "Ends Karpenter's nodes", arn, "{}")
        self.register_outputs({})

    def _make_end_nodes(self) -> EndNodes:
        arguments = EndNodesArguments(
            names=self._args.names, permissions_boundary_arn=self._args.permissions_boundary_arn
        )
        return EndNodes(f"{self._name}-nodes", arguments, self._child)

    def _make_role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        args = self._args
        role = aws.iam.Role(
            self._name,
            name=args.names.role(ROLE),
            description=f"Ends what is dear of {args.names.prefix} when it expires",
            assume_role_policy=json.dumps(scheduler_trust(args.names)),
            permissions_boundary=args.permissions_boundary_arn or None,
            opts=self._child,
        )
        document = pulumi.Output.all(
            args.key_arn,
            [group.arn for group in args.node_groups.values()],
            args.machine_instance_id,
            self._end_nodes and self._end_nodes.state_machine_arn,
        ).apply(
            lambda known: json.dumps(
                switch_policy(
                    args.names, known[0], node_group_arns=known[1], instance_id=known[2], state_machine_arn=known[3]
                )
            )
        )
        return role, aws.iam.RolePolicy(self._name, role=role.name, policy=document, opts=self._child)

    def _make_schedule(self, of: str, description: str, target: pulumi.Input[str], given: pulumi.Input[str]) -> None:
        args = self._args
        aws.scheduler.Schedule(
            f"{self._name}-{of}",
            name=of,
            group_name=self._group.name,
            description=f"{description} of {args.names.prefix} when the stack has expired",
            schedule_expression=EVERY,
            schedule_expression_timezone="UTC",
            start_date=moment_in_utc(args.expires_at),
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            state="ENABLED",
            kms_key_arn=args.key_arn,
            target=aws.scheduler.ScheduleTargetArgs(
                arn=target,
                role_arn=self._role.arn,
                input=given,
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=RETRIES, maximum_event_age_in_seconds=OLDEST_SECONDS
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._policy]),
        )
