"""The IAM role of a pod: which service account in which namespace of this cluster may take it, and what it then may do.

By EKS Pod Identity, where the trust names the cluster, the namespace and the service account as the session's tags; or,
where pods have no Pod Identity agent (Fargate), by the cluster's OpenID Connect issuer (IRSA). No pod has a long-lived
key, and no two workloads share a role.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import IdentitySettings


@dataclass(frozen=True, kw_only=True)
class OidcIssuer:
    """The cluster as an identity provider."""

    provider_arn: pulumi.Input[str]
    issuer: pulumi.Input[str]
    """The issuer's address without its scheme."""


@dataclass(frozen=True, kw_only=True)
class PodRoleArguments:
    """What a pod's role is made from."""

    names: Names
    settings: IdentitySettings
    purpose: str
    """What the role is named after."""
    namespace: str
    service_account: str
    cluster_name: pulumi.Input[str]
    policy: pulumi.Input[str] | None = None
    """What it may do, a policy as JSON."""
    managed_policies: tuple[str, ...] = ()
    """Policies of AWS's own that it has as well, such as `AmazonEKS_CNI_Policy`."""
    oidc: OidcIssuer | None = None
    """The issuer, where the mechanism is IRSA."""
    associate: bool = True
    """Whether to tell EKS of it; add-ons do so themselves."""


def pod_identity_trust(names: Names, namespace: str, service_account: str) -> dict[str, Any]:
    """EKS may take the role for one service account of this cluster.

    Source: Amazon EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity" and "Grant Pods
    access to AWS resources based on tags".
    """
    tags = {
        "aws:SourceAccount": names.account_id,
        "aws:RequestTag/eks-cluster-name": names.cluster,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PodIdentity",
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": tags, "ArnEquals": {"aws:SourceArn": names.cluster_arn}},
            }
        ],
    }


def irsa_trust(provider_arn: str, issuer: str, namespace: str, service_account: str) -> dict[str, Any]:
    """Tokens of one service account of the cluster may take the role.

    Source: Amazon EKS user guide, "Assign IAM roles to Kubernetes service accounts".
    """
    subject = {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ServiceAccount",
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": subject},
            }
        ],
    }


class PodRole(pulumi.ComponentResource):
    """A role, its policies, and its association with a service account."""

    arn: pulumi.Output[str]
    """ARN of the role, known when it may do what it may."""

    def __init__(self, name: str, args: PodRoleArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:PodRole", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            name=args.names.role(args.purpose),
            description=f"Pods of {args.namespace}/{args.service_account} in {args.names.cluster}",
            assume_role_policy=_trust(args),
            permissions_boundary=args.settings.permissions_boundary_arn or None,
            opts=self._child,
        )
        granted: list[pulumi.Output[str]] = []
        if args.policy is not None:
            granted.append(aws.iam.RolePolicy(name, role=role.name, policy=args.policy, opts=self._child).id)
        for managed in args.managed_policies:
            arn = f"arn:{args.names.partition}:iam::aws:policy/{managed}"
            short = managed.rpartition("/")[2]
            attachment = aws.iam.RolePolicyAttachment(
                f"{name}-{short}", role=role.name, policy_arn=arn, opts=self._child
            )
            granted.append(attachment.id)
        # Whoever is given the role waits for what it may do.
        self.arn = pulumi.Output.all(role.arn, *granted).apply(lambda known: str(known[0]))
        if args.associate and args.settings.mechanism == "pod_identity":
            aws.eks.PodIdentityAssociation(
                name,
                cluster_name=args.cluster_name,
                namespace=args.namespace,
                service_account=args.service_account,
                role_arn=self.arn,
                opts=self._child,
            )
        self.register_outputs({"arn": self.arn})


def _trust(args: PodRoleArguments) -> pulumi.Input[str]:
    if args.settings.mechanism == "pod_identity":
        return json.dumps(pod_identity_trust(args.names, args.namespace, args.service_account))
    if args.oidc is None:
        raise ValueError(f"role {args.purpose}: IRSA needs the cluster's issuer")
    return pulumi.Output.all(args.oidc.provider_arn, args.oidc.issuer).apply(
        lambda known: json.dumps(irsa_trust(known[0], known[1], args.namespace, args.service_account))
    )
