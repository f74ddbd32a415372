"""What starts and ends nodes, as far as AWS has a part in it: the role of the cluster autoscaler's pod, or that of
Karpenter's controller and all that the nodes need which it starts.

Nodes of Karpenter are of no managed group, so the program makes what EKS makes for those of one: an instance profile,
and the entry by which instances with its role may join the cluster. The role is one of their own: EKS keeps the entry
of its groups' role itself.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.aws import cluster_autoscaler, karpenter_policies
from infra.aws.naming import Names
from infra.aws.node_role import NodeRole, NodeRoleArguments
from infra.aws.pod_role import OidcIssuer, PodRole, PodRoleArguments
from infra.aws.settings import IdentitySettings

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class AutoscalingArguments:
    """What autoscaling is made from."""

    names: Names
    identity: IdentitySettings
    cluster_name: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]
    oidc: OidcIssuer | None
    """The cluster's issuer, where the mechanism is IRSA."""
    queue: bool = False
    """Whether there is a queue of notices of interruption, which Karpenter then reads."""
    node_policy: str | None = None
    """What nodes may do beside AWS's own policies for them, a policy as JSON."""
    expires_at: str = ""
    """The moment from which on nothing starts nodes; empty: never."""


def _pod_role(
    name: str, args: AutoscalingArguments, account: str, policy: pulumi.Input[str], parent: pulumi.Resource
) -> PodRole:
    return PodRole(
        name,
        PodRoleArguments(
            names=args.names,
            settings=args.identity,
            purpose=account,
            namespace=NAMESPACE,
            service_account=account,
            cluster_name=args.cluster_name,
            policy=policy,
            oidc=args.oidc,
        ),
        pulumi.ResourceOptions(parent=parent),
    )


class ClusterAutoscaler(pulumi.ComponentResource):
    """The role of the cluster autoscaler."""

    def __init__(self, name: str, args: AutoscalingArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:ClusterAutoscaler", name, None, opts)
        _pod_role(
            name,
            args,
            cluster_autoscaler.SERVICE_ACCOUNT,
            json.dumps(cluster_autoscaler.autoscaler_policy(args.names, args.expires_at)),
            self,
        )
        self.register_outputs({})


class Karpenter(pulumi.ComponentResource):
    """The role of Karpenter's controller, and the role, profile and entry of its nodes."""

    def __init__(self, name: str, args: AutoscalingArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Karpenter", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = NodeRole(
            f"{name}-node",
            NodeRoleArguments(
                names=args.names, settings=args.identity, purpose=karpenter_policies.NODES, policy=args.node_policy
            ),
            child,
        )
        aws.iam.InstanceProfile(
            f"{name}-node", name=args.names.role(karpenter_policies.NODES), role=role.name, opts=child
        )
        aws.eks.AccessEntry(
            f"{name}-node", cluster_name=args.cluster_name, principal_arn=role.arn, type="EC2_LINUX", opts=child
        )
        policy = pulumi.Output.from_input(args.volumes_key_arn).apply(
            lambda key_arn: json.dumps(
                karpenter_policies.controller_policy(args.names, key_arn, queue=args.queue, expires_at=args.expires_at)
            )
        )
        _pod_role(f"{name}-controller", args, karpenter_policies.SERVICE_ACCOUNT, policy, self)
        self.register_outputs({})
