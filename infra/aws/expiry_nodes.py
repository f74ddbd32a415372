"""Ends the nodes that Karpenter started, which are of no group that could be emptied: a state machine of two calls to
EC2, which finds them by their tags and terminates them.

No single operation of EC2 ends instances by tag, and EventBridge Scheduler knows no identifiers of instances that come
and go. Sources: AWS Step Functions developer guide, "Learning to use AWS service SDK integrations" and "Cross-service
confused deputy prevention"; Karpenter, "NodeClasses", on the tags of its instances.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.karpenter_policies import NODE_POOL_TAG, own_instances
from infra.aws.naming import Names

PURPOSE = "expiry-nodes"
"""Purpose of the role that it acts by, and of the state machine."""
AT_A_TIME = 25
"""Instances that are found and ended at a time: what a state hands on is at most 256 KiB, and EC2 says some KiB of
each. Source: AWS Step Functions developer guide, "Service quotas"."""
_RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 3, "BackoffRate": 2.0}]


@dataclass(frozen=True, kw_only=True)
class EndNodesArguments:
    """What it is made from."""

    names: Names
    permissions_boundary_arn: str = ""


def definition(names: Names) -> dict[str, Any]:
    """The state machine, in Amazon States Language: it looks and ends until nothing is left.

    What has been terminated is at once in none of the states that it looks for.
    """
    calls = f"arn:{names.partition}:states:::aws-sdk:ec2"
    alive = ["pending", "running", "stopping", "stopped"]
    filters = [
        {"Name": f"tag:kubernetes.io/cluster/{names.cluster}", "Values": ["owned"]},
        {"Name": "tag-key", "Values": [NODE_POOL_TAG]},
        {"Name": "instance-state-name", "Values": alive},
    ]
    return {
        "Comment": f"Ends the nodes that Karpenter started for {names.cluster}",
        "StartAt": "Find",
        "States": {
            "Find": {
                "Type": "Task",
                "Resource": f"{calls}:describeInstances",
                "Parameters": {"Filters": filters, "MaxResults": AT_A_TIME},
                "Retry": _RETRY,
                "Next": "Any",
            },
            "Any": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.Reservations[0]", "IsPresent": True, "Next": "End"}],
                "Default": "None",
            },
            "End": {
                "Type": "Task",
                "Resource": f"{calls}:terminateInstances",
                "Parameters": {"InstanceIds.$": "$.Reservations[*].Instances[*].InstanceId"},
                "Retry": _RETRY,
                "Next": "Find",
            },
            "None": {"Type": "Succeed"},
        },
    }


def states_trust(names: Names) -> dict[str, Any]:
    """Step Functions, for this one state machine."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "StateMachineOfTheStack",
                "Effect": "Allow",
                "Principal": {"Service": "states.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnEquals": {"aws:SourceArn": names.state_machine_arn(PURPOSE)},
                },
            }
        ],
    }


def end_nodes_policy(names: Names) -> dict[str, Any]:
    """Finds instances, and ends those that Karpenter started for this cluster. To look knows no single resources."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "FindNodes", "Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"},
            {
                "Sid": "EndNodes",
                "Effect": "Allow",
                "Action": "ec2:TerminateInstances",
                "Resource": names.arn("ec2", "instance/*"),
                "Condition": own_instances(names),
            },
        ],
    }


class EndNodes(pulumi.ComponentResource):
    """The state machine and its role."""

    state_machine_arn: pulumi.Output[str]

    def __init__(self, name: str, args: EndNodesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:EndNodes", name, None, opts)
        names, child = args.names, pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=names.role(PURPOSE),
            description=f"Ends the nodes that Karpenter started for {names.cluster}",
            assume_role_policy=json.dumps(states_trust(names)),
            permissions_boundary=args.permissions_boundary_arn or None,
            opts=child,
        )
        policy = aws.iam.RolePolicy(name, role=role.name, policy=json.dumps(end_nodes_policy(names)), opts=child)
        machine = aws.sfn.StateMachine(
            name,
            name=names.state_machine(PURPOSE),
            role_arn=role.arn,
            definition=json.dumps(definition(names)),
            type="STANDARD",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.state_machine_arn = machine.arn
        self.register_outputs({"state_machine_arn": self.state_machine_arn})
