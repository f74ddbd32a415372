"""The EKS cluster: its role, its log group, the control plane, and who administers it.

The control plane is reached from within the network only, unless the settings list the ranges that may come over the
internet. Kubernetes secrets are encrypted by a key of their own, all five kinds of log are kept in a log group that was
there before (EKS would make one that is not encrypted and never expires), and rights in the cluster are given by access
entries: whoever creates the cluster has none by that alone. People of a team get no policy of EKS's, but a group that
Kubernetes' own role bindings name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.pod_role import OidcIssuer
from infra.aws.settings import ClusterSettings, IdentitySettings
from infra.known_output import known_after
from infra.kubernetes.teams import group_of

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All that EKS has. CIS EKS 2.1.1, checkov CKV_AWS_37."""


@dataclass(frozen=True, kw_only=True)
class ClusterArguments:
    """What the cluster is made from."""

    names: Names
    settings: ClusterSettings
    identity: IdentitySettings
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """The private subnet of each zone."""
    service_cidr: str
    """Range of the addresses of Kubernetes services; it must not overlap the network's."""
    secrets_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    production: bool
    """Whether EKS and Pulumi refuse to delete it."""
    admins: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """ARNs of roles that administer the cluster beside those of the settings, by a name for each."""


def cluster_trust() -> dict[str, Any]:
    """EKS may take the role. Source: Amazon EKS user guide, "Amazon EKS cluster IAM role"."""
    eks = {"Service": "eks.amazonaws.com"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": eks, "Action": "sts:AssumeRole"}],
    }


def _role_name(arn: str) -> str:
    # A path is part of the name here: two roles may end alike.
    return arn.partition(":role/")[2].replace("/", ":")


class Cluster(pulumi.ComponentResource):
    """A Kubernetes control plane without nodes."""

    cluster_name: pulumi.Output[str]
    """The cluster's name, known when the cluster is ready."""
    cluster_arn: pulumi.Output[str]
    """The cluster's ARN, which is known beforehand and waits for the cluster: what it is an input of goes with the
    cluster where that is replaced, even by one of the same name."""
    endpoint: pulumi.Output[str]
    """Address of the control plane."""
    certificate_authority_data: pulumi.Output[str]
    """Certificate that the control plane is recognised by, in PEM and Base64."""
    security_group_id: pulumi.Output[str]
    """The group that EKS made for the control plane and the nodes: they reach each other, and nobody else does."""
    issuer_url: pulumi.Output[str]
    """Address of who signs the tokens of the cluster's service accounts."""
    oidc: OidcIssuer | None
    """The cluster as an identity provider, where pods get their roles by IRSA."""
    access: list[pulumi.Resource]
    """What has to be there before an administrator has rights in the cluster."""

    def __init__(self, name: str, args: ClusterArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Cluster", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        role, log_group = self._make_role(), self._make_log_group()
        cluster = self._make_cluster(role, log_group)
        self.cluster_name, self.endpoint = cluster.name, cluster.endpoint
        self.cluster_arn = known_after(args.names.cluster_arn, cluster)
        self.certificate_authority_data = cluster.certificate_authority.data
        self.security_group_id = cluster.vpc_config.cluster_security_group_id
        self.issuer_url = cluster.identities.apply(lambda identities: str(identities[0].oidcs[0].issuer))
        self.access = self._make_admins()
        self._make_team_entries()
        self.oidc = self._make_issuer() if args.identity.mechanism == "irsa" else None
        self.register_outputs({"cluster_name": self.cluster_name, "endpoint": self.endpoint})

    def _make_role(self) -> pulumi.Output[str]:
        names = self._args.names
        role = aws.iam.Role(
            self._name,
            name=names.role("cluster"),
            description=f"The control plane of {names.cluster}",
            assume_role_policy=json.dumps(cluster_trust()),
            permissions_boundary=self._args.identity.permissions_boundary_arn or None,
            opts=self._child,
        )
        attachment = aws.iam.RolePolicyAttachment(
            self._name,
            role=role.name,
            policy_arn=f"arn:{names.partition}:iam::aws:policy/AmazonEKSClusterPolicy",
            opts=self._child,
        )
        # EKS needs the policy as long as the cluster is there: to take load balancers and interfaces down, too.
        return pulumi.Output.all(role.arn, attachment.id).apply(lambda known: str(known[0]))

    def _make_log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            self._name,
            name=self._args.names.cluster_log_group,
            kms_key_id=self._args.logs_key_arn,
            retention_in_days=self._args.settings.log_retention_days,
            opts=self._child,
        )

    def _make_cluster(self, role_arn: pulumi.Output[str], log_group: aws.cloudwatch.LogGroup) -> aws.eks.Cluster:
        args = self._args
        public = list(args.settings.public_access_cidrs)
        return aws.eks.Cluster(
            self._name,
            name=args.names.cluster,
            version=args.settings.version,
            role_arn=role_arn,
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=list(args.subnet_ids.values()),
                endpoint_private_access=True,
                endpoint_public_access=bool(public),
                public_access_cidrs=public or None,
            ),
            kubernetes_network_config=aws.eks.ClusterKubernetesNetworkConfigArgs(
                ip_family="ipv4", service_ipv4_cidr=args.service_cidr
            ),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=args.secrets_key_arn),
                resources=["secrets"],
            ),
            enabled_cluster_log_types=list(LOG_TYPES),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            # The add-ons are this program's own: see `addons`.
            bootstrap_self_managed_addons=False,
            # Beyond its standard support a version costs six times as much; EKS then upgrades it.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            deletion_protection=args.production,
            # While the cluster is there it writes logs, and would make the group anew.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group], protect=args.production),
        )

    def _make_admins(self) -> list[pulumi.Resource]:
        listed = {_role_name(arn): arn for arn in self._args.settings.admin_role_arns}
        admins: dict[str, pulumi.Input[str]] = {**listed, **self._args.admins}
        made: list[pulumi.Resource] = []
        for name, arn in admins.items():
            entry = aws.eks.AccessEntry(
                f"{self._name}-{name}",
                cluster_name=self.cluster_name,
                principal_arn=arn,
                type="STANDARD",
                opts=self._child,
            )
            association = aws.eks.AccessPolicyAssociation(
                f"{self._name}-{name}",
                cluster_name=self.cluster_name,
                principal_arn=entry.principal_arn,
                policy_arn=f"arn:{self._args.names.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=self._child,
            )
            made.append(association)
        return made

    def _make_team_entries(self) -> None:
        # A role has one entry, of however many teams it is.
        groups: dict[str, list[str]] = {}
        for team, arns in self._args.settings.team_role_arns.items():
            for arn in arns:
                groups.setdefault(arn, []).append(group_of(team))
        for arn, names in groups.items():
            aws.eks.AccessEntry(
                f"{self._name}-team-{_role_name(arn)}",
                cluster_name=self.cluster_name,
                principal_arn=arn,
                kubernetes_groups=names,
                type="STANDARD",
                opts=self._child,
            )

    def _make_issuer(self) -> OidcIssuer:
        url = self.issuer_url
        provider = aws.iam.OpenIdConnectProvider(
            self._name, url=url, client_id_lists=["sts.amazonaws.com"], opts=self._child
        )
        return OidcIssuer(provider_arn=provider.arn, issuer=url.apply(lambda url: url.removeprefix("https://")))
