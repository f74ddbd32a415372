"""The cluster's add-ons, as EKS keeps them: what makes nodes ready, and what needs nodes that are.

EKS calls an add-on made when it is healthy, so those that run as ordinary pods come after the first nodes. Versions are
EKS's default for the cluster's Kubernetes version: which there are can only be looked up. Add-ons that call AWS do so
by roles of their own, not by the nodes'.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.pod_role import OidcIssuer, PodRole, PodRoleArguments
from infra.aws.settings import IdentitySettings

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class AddonsArguments:
    """What add-ons are made from."""

    names: Names
    identity: IdentitySettings
    cluster_name: pulumi.Input[str]
    oidc: OidcIssuer | None
    """The cluster's issuer, where the mechanism is IRSA."""


class _Addons(pulumi.ComponentResource):
    def __init__(self, type_: str, name: str, args: AddonsArguments, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(type_, name, None, opts)
        self._name, self._args = name, args

    def _make(
        self,
        addon: str,
        *,
        configuration: dict[str, Any] | None = None,
        service_account: str | None = None,
        role: PodRole | None = None,
        after: tuple[pulumi.Resource, ...] = (),
    ) -> aws.eks.Addon:
        irsa = self._args.identity.mechanism == "irsa"
        associations = (
            [aws.eks.AddonPodIdentityAssociationArgs(service_account=service_account, role_arn=role.arn)]
            if role and service_account and not irsa
            else None
        )
        return aws.eks.Addon(
            f"{self._name}-{addon}",
            cluster_name=self._args.cluster_name,
            addon_name=addon,
            configuration_values=json.dumps(configuration, sort_keys=True) if configuration else None,
            pod_identity_associations=associations,
            service_account_role_arn=role.arn if role and irsa else None,
            # What is in the cluster by hand gives way: the program is what was reviewed.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _make_role(
        self, purpose: str, service_account: str, *, managed_policy: str, policy: pulumi.Input[str] | None = None
    ) -> PodRole:
        return PodRole(
            f"{self._name}-{purpose}",
            PodRoleArguments(
                names=self._args.names,
                settings=self._args.identity,
                purpose=purpose,
                namespace=NAMESPACE,
                service_account=service_account,
                cluster_name=self._args.cluster_name,
                policy=policy,
                managed_policies=(managed_policy,),
                oidc=self._args.oidc,
                associate=False,
            ),
            pulumi.ResourceOptions(parent=self),
        )


class NetworkAddons(_Addons):
    """Pods' network with network policies, service addresses, and the agent that gives pods their roles."""

    def __init__(self, name: str, args: AddonsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:NetworkAddons", name, args, opts)
        # Nodes and pods have no Pod Identity without the agent; it needs neither itself.
        agent = self._make("eks-pod-identity-agent")
        self._make("kube-proxy")
        role = self._make_role("vpc-cni", "aws-node", managed_policy="AmazonEKS_CNI_Policy")
        self._make(
            "vpc-cni",
            # The add-on's schema wants the truth value as text.
            configuration={"enableNetworkPolicy": "true"},
            service_account="aws-node",
            role=role,
            after=(agent,),
        )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class WorkloadAddonsArguments(AddonsArguments):
    """What the add-ons that need nodes are made from."""

    volumes_key_arn: pulumi.Input[str]
    """The key of the volumes that the EBS driver makes."""


class WorkloadAddons(_Addons):
    """Names in the cluster, volumes for pods, and the figures that autoscaling goes by."""

    def __init__(self, name: str, args: WorkloadAddonsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:WorkloadAddons", name, args, opts)
        self._make("coredns")
        self._make("metrics-server")
        policy = pulumi.Output.from_input(args.volumes_key_arn).apply(lambda arn: json.dumps(ebs_key_policy(arn)))
        account = "ebs-csi-controller-sa"
        role = self._make_role(
            "ebs-csi", account, managed_policy="service-role/AmazonEBSCSIDriverPolicy", policy=policy
        )
        self._make("aws-ebs-csi-driver", service_account=account, role=role)
        self.register_outputs({})


def ebs_key_policy(key_arn: str) -> dict[str, Any]:
    """What the EBS driver does with the key of volumes.

    Source: Amazon EKS user guide, "Amazon EBS CSI driver": the policy for volumes with a customer-managed key.
    """
    use = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ]
    for_resource = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "UseKey", "Effect": "Allow", "Action": use, "Resource": key_arn},
            {
                "Sid": "GrantKey",
                "Effect": "Allow",
                "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
                "Resource": key_arn,
                "Condition": for_resource,
            },
        ],
    }
