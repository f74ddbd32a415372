"""The settings of the platform on AWS: `trainyard:aws` in a stack file.

Whether a value is right may depend on others (the region, whether it is production): those come in the validation's
context, so that every problem is found, however wrong the rest is.
"""

import difflib
import ipaddress
import json
import re
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from infra.aws import subnets
from infra.aws.instance_settings import GpuPoolSettings, MachineSettings, SystemPoolSettings
from infra.aws.setting_values import REGIONS, RetentionDays, RoleArn
from infra.aws.storage_settings import StorageSettings
from infra.cloud_setting_values import PoolName, TeamOfCluster, context, needs_cluster
from infra.cloud_settings import BudgetSettings, CloudGroup, GitHubSettings, ImageSettings
from infra.setting_types import Group, Truth, Whole, pattern, refuse

InterfaceEndpoint = Literal[
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticfilesystem", "kms", "logs", "monitoring",
    "sqs", "ssm", "ssmmessages", "ec2messages", "sts",
]  # fmt: skip
"""The AWS services that an interface endpoint can be made for, as the endpoint's name ends."""

PRIVATE_NETWORK_NEEDS: tuple[InterfaceEndpoint, ...] = (
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "sqs", "sts",
)  # fmt: skip
"""What nodes call and cannot reach without NAT. Source: EKS user guide, "Deploy private clusters with limited internet
access"; kms and sqs are called by the workloads and by the node termination handler."""
KARPENTER_NEEDS: tuple[InterfaceEndpoint, ...] = ("ssm",)
"""What Karpenter calls beside that: it asks for the identifiers of machine images there. Source: Karpenter, "Getting
Started with Karpenter", on private clusters."""

KUBERNETES_VERSIONS = ("1.34", "1.35", "1.36")
"""Versions of EKS in standard support when this was written (2026-11); 1.34 leaves it on 2026-12-02.

Source: Amazon EKS user guide, "Understand the Kubernetes version lifecycle on EKS".
"""

WIDEST_IN_PRODUCTION = 16
"""Prefix length of the widest range that may reach a production control plane over the internet."""
MOST_PUBLIC_RANGES = 40
"""Source: Amazon EKS user guide, "View and manage Amazon EKS service quotas"."""
_RESERVED = "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3"
NOT_ON_THE_INTERNET = tuple(map(ipaddress.IPv4Network, _RESERVED.split()))
"""EKS takes no reserved addresses. Source: Amazon EKS user guide, "Cluster API server endpoint"."""


class NetworkSettings(Group):
    """The network that everything runs in."""

    cidr: str = "10.0.0.0/16"
    """Private IPv4 range of the network, /16 to /20; the subnets are cut from it, with room to grow."""
    zones: tuple[str, ...] = ()
    """Two or three availability zones of the region, such as eu-west-1a. Has to be set."""
    nat: Literal["none", "single", "per_zone"] = "single"
    """Ways out to the internet: none (fully private), one for the stack, or one in each zone."""
    interface_endpoints: tuple[InterfaceEndpoint, ...] = Field(default=(), validate_default=True)
    """AWS services reached without leaving the network, each billed by the hour and zone. S3 always is, for nothing."""
    flow_log_retention_days: RetentionDays = 365
    """Days that the records of who talked to whom are kept."""

    @field_validator("cidr")
    @classmethod
    def _is_large_enough_and_private(cls, cidr: str) -> str:
        try:
            subnets.parse_network(cidr)
        except ValueError as error:
            raise refuse(str(error)) from None
        return cidr

    @field_validator("zones")
    @classmethod
    def _zones_are_of_the_region(cls, zones: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        region = context(info, "region")
        if not zones and not needs_cluster(info, "aws"):
            return zones
        problems = []
        if not 2 <= len(zones) <= 3 or len(set(zones)) != len(zones):
            problems.append("must be two or three different zones")
        if region and (foreign := [zone for zone in zones if not re.fullmatch(re.escape(region) + "[a-z]", zone)]):
            problems.append(f"{', '.join(foreign)} is no zone of {region}; must be such as {region}a")
        if problems:
            raise refuse("; ".join(problems))
        return zones

    @field_validator("interface_endpoints")
    @classmethod
    def _endpoints_differ_and_suffice(cls, endpoints: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(endpoints)) != len(endpoints):
            raise refuse("must name each service once")
        karpenter = KARPENTER_NEEDS if context(info, "node_autoscaler") == "karpenter" else ()
        missing = sorted({*PRIVATE_NETWORK_NEEDS, *karpenter} - set(endpoints))
        if info.data.get("nat") == "none" and missing:
            raise refuse(f"with nat = none, nodes cannot work without {', '.join(missing)}; add them")
        return endpoints


class KeySettings(Group):
    """The KMS keys."""

    deletion_window_days: Whole = Field(default=30, ge=7, le=30)
    """Days that a deleted key can still be rescued, and with it what it encrypts."""
    create_autoscaling_role: Truth = False
    """Whether to make the service-linked role of EC2 Auto Scaling, which must be allowed to use the volumes' key. Every
    account has it that ever had an Auto Scaling group; one that never had needs this once."""


class IdentitySettings(Group):
    """Who may do what."""

    mechanism: Literal["pod_identity", "irsa"] = "pod_identity"
    """How a pod gets its role: EKS Pod Identity, or IAM roles for service accounts (needed on Fargate)."""
    permissions_boundary_arn: Annotated[
        str, pattern(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", "the ARN of an IAM policy")
    ] = ""
    """IAM policy that no role of the stack can exceed; empty: none."""
    github: GitHubSettings = GitHubSettings()


class ClusterSettings(Group):
    """The EKS cluster."""

    version: str = "1.35"
    """Kubernetes version."""
    public_access_cidrs: tuple[str, ...] = ()
    """IPv4 ranges that reach the control plane over the internet; none: it is private."""
    admin_role_arns: tuple[RoleArn, ...] = Field(default=(), validate_default=True)
    """IAM roles that administer the cluster. Whoever creates a cluster has no rights in it by that alone, so one of
    them deploys; or the deploy role for GitHub does, which need not be listed."""
    team_role_arns: dict[TeamOfCluster, tuple[RoleArn, ...]] = Field(default_factory=dict)
    """IAM roles of the people of a team, by the team's name: they work in its namespace and nowhere else."""
    node_image_release: Annotated[
        str, pattern(r"v20\d{6}", "a release of EKS's machine images, vYYYYMMDD", required=True)
    ] = "v20260714"
    """Release of EKS's image for Amazon Linux 2023 that Karpenter starts nodes with; groups of nodes have the newest
    when they are made. The releases of amazon-eks-ami on GitHub have a list."""
    log_retention_days: RetentionDays = 365
    """Days that the control plane's logs are kept."""

    @field_validator("version")
    @classmethod
    def _version_is_supported(cls, version: str) -> str:
        if version not in KUBERNETES_VERSIONS:
            raise refuse(f"must be one of {', '.join(KUBERNETES_VERSIONS)} (in quotes)")
        return version

    @field_validator("public_access_cidrs")
    @classmethod
    def _listed_networks_only(cls, cidrs: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        networks = []
        for cidr in cidrs:
            try:
                network = ipaddress.IPv4Network(cidr)
            except ValueError:
                raise refuse(f"{cidr} is no IPv4 range; must be such as 203.0.113.0/24") from None
            if any(network.subnet_of(reserved) for reserved in NOT_ON_THE_INTERNET):
                raise refuse(f"{cidr} is no range of the internet; must be such as 203.0.113.0/24")
            if network.prefixlen < WIDEST_IN_PRODUCTION and context(info, "environment") == "prod":
                whose = "everybody" if network.prefixlen == 0 else "far too many"
                raise refuse(
                    f"{cidr} is {whose}; in prod it must be ranges of people who administer it, "
                    f"/{WIDEST_IN_PRODUCTION} or smaller"
                )
            networks.append(str(network))
        if len(set(networks)) != len(networks) or len(networks) > MOST_PUBLIC_RANGES:
            raise refuse(f"must be at most {MOST_PUBLIC_RANGES} ranges, each named once")
        return tuple(networks)

    @field_validator("admin_role_arns")
    @classmethod
    def _roles_differ(cls, roles: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(roles)) != len(roles):
            raise refuse("must name each role once")
        if not roles and needs_cluster(info, "aws") and not context(info, "deploys_from_github"):
            raise refuse(
                "must name the role that deploys, at least: what is in the cluster is made by it "
                "(or set aws.identity.github.repository)"
            )
        return roles

    @field_validator("team_role_arns")
    @classmethod
    def _nobody_is_both(cls, roles: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        both = sorted({arn for arns in roles.values() for arn in arns} & set(info.data.get("admin_role_arns", ())))
        if both:
            raise refuse(f"{', '.join(both)} administers the cluster already; must be another role")
        return roles


class RegistrySettings(Group):
    """The image registry."""

    keep_images: Whole = Field(default=30, ge=1, le=1000)
    """Images kept in each repository; older ones are removed."""
    pull_through: Truth = False
    """Whether nodes pull the add-ons' images through this registry, which keeps them, where the upstream registry asks
    for no credential: registry.k8s.io, public.ecr.aws and quay.io."""

    @field_validator("pull_through")
    @classmethod
    def _region_has_templates(cls, value: bool, info: ValidationInfo) -> bool:
        # Source: Amazon ECR user guide, "Templates to control repositories created during a pull through cache action".
        region = context(info, "region") or ""
        if value and region.startswith(("cn-", "us-gov-")):
            raise refuse(f"must be false in {region}, where ECR has no templates for repositories that it makes")
        return value


class InterruptionSettings(Group):
    """Notices of interruption, for the node termination handler or Karpenter."""

    enabled: Truth = True
    """Whether EC2's notices go to a queue."""


class AwsSettings(CloudGroup):
    """AWS as a cloud."""

    of_data = frozenset({"account_id", "region", "keys", "storage"})

    account_id: str = ""
    """The account, twelve digits. Has to be set; with the provider's own setting `aws:allowedAccountIds`, nothing is
    ever made or deleted in another one."""
    region: str = Field(default="", exclude=True)
    """The region; it is read from the provider's own setting, `aws:region`."""
    network: NetworkSettings = NetworkSettings()
    keys: KeySettings = KeySettings()
    storage: StorageSettings = StorageSettings()
    identity: IdentitySettings = IdentitySettings()
    cluster: ClusterSettings = ClusterSettings()
    system_pool: SystemPoolSettings = SystemPoolSettings()
    gpu_pools: dict[PoolName, GpuPoolSettings] = Field(default_factory=dict)
    """Pools of GPU nodes by name."""
    registry: RegistrySettings = RegistrySettings()
    images: ImageSettings = ImageSettings()
    budget: BudgetSettings = BudgetSettings()
    interruptions: InterruptionSettings = InterruptionSettings()
    machine: MachineSettings = MachineSettings()

    @field_validator("account_id")
    @classmethod
    def _account_is_the_provider_s(cls, account: str, info: ValidationInfo) -> str:
        allowed = context(info, "allowed_account_ids")
        if (account or context(info, "cloud") == "aws") and not re.fullmatch(r"\d{12}", account):
            raise refuse("must be an account's twelve digits, in quotes")
        if account and allowed and allowed != [account]:
            raise refuse(
                f"must be the account that the provider may use: aws:allowedAccountIds is {json.dumps(allowed)}"
            )
        return account

    @field_validator("region")
    @classmethod
    def _region_is_one(cls, region: str, info: ValidationInfo) -> str:
        if context(info, "cloud") == "aws" and region not in REGIONS:
            near = difflib.get_close_matches(region, REGIONS, n=1)
            raise refuse(f"must be a region that has EKS, such as {near[0] if near else 'eu-west-1'}")
        return region

    @field_validator("machine")
    @classmethod
    def _machine_is_reached(cls, machine: MachineSettings, info: ValidationInfo) -> MachineSettings:
        network = info.data.get("network")
        missing = {"ssm", "ssmmessages"} - set(network.interface_endpoints if network else ())
        if machine.instance_type and network and network.nat == "none" and missing:
            raise refuse(f"cannot be reached with nat = none; add the endpoints {', '.join(sorted(missing))}")
        return machine


assert set(PRIVATE_NETWORK_NEEDS) <= set(get_args(InterfaceEndpoint))
