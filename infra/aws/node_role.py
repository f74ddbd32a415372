"""The role of nodes: to join the cluster, to pull images, and to be reached by Session Manager.

Not the pods' network, nor anything that a workload does: those have roles of their own.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import IdentitySettings

MANAGED_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)
"""Source: Amazon EKS user guide, "Amazon EKS node IAM role"; the last one instead of SSH.

Not the minimal policy for nodes, which is for EKS Auto Mode: a node of a group describes itself when it starts.
"""


@dataclass(frozen=True, kw_only=True)
class NodeRoleArguments:
    """What the nodes' role is made from."""

    names: Names
    settings: IdentitySettings
    purpose: str = "node"
    """What the role is named after."""
    policy: str | None = None
    """What nodes may do beside AWS's own policies for them, a policy as JSON."""


def instance_trust(names: Names) -> dict[str, Any]:
    """EC2 instances may take the role."""
    service = f"ec2.{names.dns_suffix}" if names.partition == "aws-cn" else "ec2.amazonaws.com"
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }


class NodeRole(pulumi.ComponentResource):
    """The role that nodes share."""

    name: pulumi.Output[str]
    """Name of the role, known when it has its policies."""
    arn: pulumi.Output[str]
    """ARN of the role, likewise."""

    def __init__(self, name: str, args: NodeRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:NodeRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=args.names.role(args.purpose),
            description=f"Nodes of {args.names.cluster}",
            assume_role_policy=json.dumps(instance_trust(args.names)),
            permissions_boundary=args.settings.permissions_boundary_arn or None,
            opts=child,
        )
        attached = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=f"arn:{args.names.partition}:iam::aws:policy/{policy}",
                opts=child,
            )
            for policy in MANAGED_POLICIES
        ]
        ids = [attachment.id for attachment in attached]
        if args.policy is not None:
            ids.append(aws.iam.RolePolicy(name, role=role.name, policy=args.policy, opts=child).id)
        self.arn = pulumi.Output.all(role.arn, *ids).apply(lambda known: str(known[0]))
        self.name = pulumi.Output.all(role.name, *ids).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn})
