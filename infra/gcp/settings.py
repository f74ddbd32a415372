"""The settings of the platform on Google Cloud: `trainyard:gcp` in a stack file.

Whether a value is right may depend on others (the region, whether it is production): those come in the validation's
context, so that every problem is found, however wrong the rest is.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from infra.address_ranges import PRIVATE
from infra.cloud_setting_values import PoolName, TeamOfCluster, context, needs_cluster
from infra.cloud_settings import BudgetSettings as CloudBudgetSettings
from infra.cloud_settings import CloudGroup, GitHubSettings, ImageSettings
from infra.gcp import machine_zones, subnets
from infra.gcp.machine_settings import GpuPoolSettings, MachineSettings, SystemPoolSettings
from infra.gcp.setting_values import PROJECT_ID, REGIONS, BillingAccount, Member, ProjectNumber
from infra.gcp.storage_settings import StorageSettings
from infra.setting_types import Group, Real, Truth, Whole, pattern, refuse

ReleaseChannel = Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"]

KUBERNETES_VERSIONS: Mapping[ReleaseChannel, tuple[str, ...]] = {
    "RAPID": ("1.34", "1.35", "1.36", "1.37"),
    "REGULAR": ("1.34", "1.35", "1.36"),
    "STABLE": ("1.34", "1.35"),
    "EXTENDED": ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36"),
}
"""Versions that each channel has (2026-09). Source: GKE, "Release notes", "Current versions"."""

CARRIER_GRADE = ipaddress.IPv4Network("100.64.0.0/10")
"""A range that networks of Google Cloud may use beside the private ones. Source: VPC, "Valid IPv4 ranges"."""
MOST_AUTHORIZED_NETWORKS = 50
"""Source: GKE API, MasterAuthorizedNetworksConfig, cidrBlocks."""
LEAST_MAINTENANCE_HOURS = 48
"""Hours of maintenance windows in any 32 days. Source: GKE, "Maintenance windows and exclusions"."""


class NetworkSettings(Group):
    """The network that everything runs in."""

    cidr: str = "10.0.0.0/16"
    """Private IPv4 range of the network, /16 to /20: nodes, pods and services each have a part of it, with room to
    grow."""
    zones: tuple[str, ...] = ()
    """Two or three zones of the region, such as europe-west4-a. Has to be set."""
    nat: Literal["none", "single"] = "single"
    """Ways out to the internet: none (fully private), or Cloud NAT, of which a region has one for all zones."""
    private_service_connect: Truth = False
    """Whether Google's own services are reached by an address of the network, instead of by Private Google Access."""
    flow_log_sampling: Real = Field(default=0.5, gt=0, le=1)
    """Part of the records of who talked to whom that is kept."""
    flow_log_retention_days: Whole = Field(default=365, ge=1, le=3650)
    """Days that they are kept."""

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
        if not zones and not needs_cluster(info, "gcp"):
            return zones
        problems = []
        if not 2 <= len(zones) <= 3 or len(set(zones)) != len(zones):
            problems.append("must be two or three different zones")
        known = machine_zones.zones_of_region(region) if region in REGIONS else ()
        if known and (foreign := [zone for zone in zones if zone not in known]):
            problems.append(f"{', '.join(foreign)} is no zone of {region}, which has {', '.join(known)}")
        if problems:
            raise refuse("; ".join(problems))
        return zones


class KeySettings(Group):
    """The KMS keys."""

    rotation_days: Whole = Field(default=90, ge=1, le=365)
    """Days after which a key gets another version. CIS Google Cloud 1.10."""
    destroy_after_days: Whole = Field(default=30, ge=1, le=120)
    """Days that a deleted key can still be rescued, and with it what it encrypts. It counts when a key is made."""
    hardware: Truth = False
    """Whether keys are kept in hardware security modules. It counts when a key is made."""


class IdentitySettings(Group):
    """Who may do what."""

    github: GitHubSettings = GitHubSettings()

    @field_validator("github")
    @classmethod
    def _pool_is_the_stack_s_own(cls, github: GitHubSettings) -> GitHubSettings:
        if not github.create_provider:
            # Nobody could know the name of another stack's pool, which has a random end.
            raise refuse("must be true on Google Cloud: each stack has a pool of its own", field="create_provider")
        return github


class AuthorizedNetwork(Group):
    """A range that reaches the control plane's address."""

    cidr: str
    """IPv4 range."""
    name: Annotated[str, pattern(r"[\w .-]{1,63}", "1 to 63 letters, digits, spaces and _.-")] = ""
    """Whose it is."""

    @field_validator("cidr")
    @classmethod
    def _is_of_the_network_or_joined_to_it(cls, cidr: str) -> str:
        try:
            network = ipaddress.IPv4Network(cidr)
        except ValueError:
            raise refuse("is no IPv4 range; must be such as 10.128.0.0/16") from None
        if not any(network.subnet_of(own) for own in (*PRIVATE, CARRIER_GRADE)):
            raise refuse(
                "must lie in a private range: the control plane has no other address, and from the internet it is "
                "reached by its name, with cluster.dns_endpoint"
            )
        return str(network)


class MaintenanceSettings(Group):
    """When GKE may upgrade the cluster and its nodes."""

    start_time: Annotated[str, pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time of day in UTC, HH:MM", required=True)] = (
        "02:00"
    )
    """Beginning, a time of day in UTC."""
    hours: Whole = Field(default=6, ge=4, le=24)
    """How long it may take."""
    days: tuple[Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"], ...] = Field(
        default=("SA", "SU"), min_length=1, max_length=7
    )
    """Days of the week."""

    @field_validator("days")
    @classmethod
    def _windows_suffice(cls, days: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(days)) != len(days):
            raise refuse("must name each day once")
        # Any 32 days have each day of the week four times.
        hours = info.data.get("hours", 24)
        if 4 * len(days) * hours < LEAST_MAINTENANCE_HOURS:
            least = -(-LEAST_MAINTENANCE_HOURS // (4 * hours))
            wanted = f"GKE wants {LEAST_MAINTENANCE_HOURS} hours in 32 days"
            raise refuse(f"must be {least} days or more with {hours} hours: {wanted}")
        return days


class ClusterSettings(Group):
    """The GKE cluster."""

    location: Literal["regional", "zonal"] = "regional"
    """Where the control plane is: in every zone of the region, or in the network's first zone alone, which goes when
    that zone does. Nodes are in the network's zones either way."""
    release_channel: ReleaseChannel = "REGULAR"
    """How early GKE upgrades the cluster."""
    version: str = Field(default="1.35", validate_default=True)
    """Kubernetes version to begin with, and the least one: the channel goes on from there."""
    dns_endpoint: Truth = True
    """Whether the control plane is reached by its name, from wherever Google's services are, if IAM lets in; false: by
    its private address only."""
    authorized_networks: tuple[AuthorizedNetwork, ...] = Field(default=(), validate_default=True)
    """Ranges that reach the control plane's private address, from the network or what is joined to it."""
    admin_members: tuple[Member, ...] = ()
    """Who administers the cluster beside whoever deploys, as IAM names them."""
    security_group: Annotated[
        str, pattern(r"gke-security-groups@[^@\s]+\.[^@\s]+", "the group gke-security-groups of your domain")
    ] = ""
    """The Google group that holds the groups which role bindings may name, gke-security-groups@DOMAIN; empty: none,
    and teams' members are named one by one."""
    team_members: dict[TeamOfCluster, tuple[Member, ...]] = Field(default_factory=dict)
    """People of a team, by the team's name: they work in its namespace and nowhere else."""
    maintenance: MaintenanceSettings = MaintenanceSettings()
    binary_authorization: Truth = False
    """Whether only images run that the project's policy of Binary Authorization admits."""
    log_retention_days: Whole = Field(default=365, ge=1, le=3650)
    """Days that the cluster's logs are kept."""

    @field_validator("version")
    @classmethod
    def _channel_has_it(cls, version: str, info: ValidationInfo) -> str:
        channel = info.data.get("release_channel")
        known = KUBERNETES_VERSIONS.get(channel, ()) if channel else ()
        minor = re.fullmatch(r"(1\.\d+)(\.\d+-gke\.\d+)?", version, re.ASCII)
        if known and (minor is None or minor[1] not in known):
            raise refuse(
                f"must be one of {', '.join(known)} in the channel {channel} (in quotes), or a patch of one, such as "
                "1.35.7-gke.1222000"
            )
        return version

    @field_validator("authorized_networks")
    @classmethod
    def _somebody_gets_in(
        cls, networks: tuple[AuthorizedNetwork, ...], info: ValidationInfo
    ) -> tuple[AuthorizedNetwork, ...]:
        ranges = [each.cidr for each in networks]
        if len(set(ranges)) != len(ranges) or len(ranges) > MOST_AUTHORIZED_NETWORKS:
            raise refuse(f"must be at most {MOST_AUTHORIZED_NETWORKS} ranges, each named once")
        if not ranges and info.data.get("dns_endpoint") is False:
            raise refuse("must be one range at least where dns_endpoint is false, or nobody reaches the control plane")
        return networks

    @field_validator("admin_members")
    @classmethod
    def _administrators_differ(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(members)

    @field_validator("team_members")
    @classmethod
    def _people_are_known(cls, teams: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        members = [member for team in teams.values() for member in _each_once(team)]
        if both := sorted({*members} & set(info.data.get("admin_members", ()))):
            raise refuse(f"{', '.join(both)} administers the cluster already; must be somebody else")
        groups = [member for member in members if member.startswith("group:")]
        if groups and not info.data.get("security_group"):
            raise refuse(f"has {groups[0]}: a group needs security_group to be set, or name its people one by one")
        return teams


class RegistrySettings(Group):
    """The image registry."""

    keep_images: Whole = Field(default=30, ge=1, le=1000)
    """Images kept in each repository; older ones are removed after a week, but for those that have a tag."""
    scanning: Truth = True
    """Whether images are scanned for known weaknesses when they are pushed."""
    pull_through: Truth = False
    """Whether nodes pull others' images (the add-ons', and what stands before the inference service) through this
    registry, which keeps them, where the upstream registry asks for no credential: docker.io, ghcr.io, quay.io and
    registry.k8s.io; with network.nat none also nvcr.io, which nobody has tried. Has to be true there."""


class BudgetSettings(CloudBudgetSettings):
    """The monthly budget, over everything that has the stack's label."""

    billing_account: BillingAccount = Field(default="", validate_default=True)
    """The billing account that pays for the project, which the budget belongs to."""

    @field_validator("billing_account")
    @classmethod
    def _somebody_pays(cls, account: str, info: ValidationInfo) -> str:
        if info.data.get("monthly_usd") and not account:
            raise refuse("must be the billing account of the project: a budget belongs to one")
        return account

    @field_validator("alert_emails")
    @classmethod
    def _google_tells_all(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        # Source: Cloud Billing budget API, NotificationsRule, monitoringNotificationChannels.
        if len(addresses) > 5:
            raise refuse("must be five addresses at most: a budget of Google Cloud tells no more; name a group")
        return addresses


class GcpSettings(CloudGroup):
    """Google Cloud as a cloud."""

    of_data = frozenset({"project_id", "project_number", "region", "enable_services", "keys", "storage"})

    project_id: str = Field(default="", exclude=True)
    """The project; it is read from the provider's own setting, `gcp:project`."""
    region: str = Field(default="", exclude=True)
    """The region; it is read from the provider's own setting, `gcp:region`."""
    project_number: ProjectNumber = ""
    """The project's number, in quotes. Has to be set: Google's own services act by names that have it in them."""
    enable_services: Truth = True
    """Whether to switch the APIs on that the platform uses; false where somebody else does. They stay on."""
    network: NetworkSettings = NetworkSettings()
    keys: KeySettings = KeySettings()
    storage: StorageSettings = StorageSettings()
    identity: IdentitySettings = IdentitySettings()
    cluster: ClusterSettings = ClusterSettings()
    system_pool: SystemPoolSettings = SystemPoolSettings()
    gpu_pools: dict[PoolName, GpuPoolSettings] = Field(default_factory=dict)
    """Pools of GPU nodes by name."""
    registry: RegistrySettings = Field(default=RegistrySettings(), validate_default=True)
    images: ImageSettings = ImageSettings()
    budget: BudgetSettings = BudgetSettings()
    machine: MachineSettings = MachineSettings()

    @field_validator("project_id")
    @classmethod
    def _project_is_one(cls, project: str, info: ValidationInfo) -> str:
        if context(info, "cloud") == "gcp" and not re.fullmatch(PROJECT_ID, project):
            raise refuse("must be a project's identifier, such as ml-platform-123456")
        return project

    @field_validator("region")
    @classmethod
    def _region_is_one(cls, region: str, info: ValidationInfo) -> str:
        if context(info, "cloud") == "gcp" and region not in REGIONS:
            near = difflib.get_close_matches(region, REGIONS, n=1)
            raise refuse(f"must be a region of Google Cloud, such as {near[0] if near else 'europe-west4'}")
        return region

    @field_validator("project_number")
    @classmethod
    def _number_is_set(cls, number: str, info: ValidationInfo) -> str:
        if context(info, "cloud") == "gcp" and not number:
            raise refuse(
                "must be the project's number: gcloud projects describe PROJECT --format 'value(projectNumber)'"
            )
        return number

    @field_validator("gpu_pools")
    @classmethod
    def _network_has_addresses(
        cls, pools: dict[str, GpuPoolSettings], info: ValidationInfo
    ) -> dict[str, GpuPoolSettings]:
        network, system = info.data.get("network"), info.data.get("system_pool")
        if network and system:
            room = subnets.most_nodes(ipaddress.IPv4Network(network.cidr))
            nodes = system.max_nodes + sum(pool.max_nodes for pool in pools.values())
            if nodes > room:
                raise refuse(
                    f"must have fewer nodes, or the network be larger: with the system's nodes there can be {nodes}, "
                    f"and {network.cidr} has addresses for {room}"
                )
        return pools

    @field_validator("registry")
    @classmethod
    def _images_reach_the_nodes(cls, registry: RegistrySettings, info: ValidationInfo) -> RegistrySettings:
        network = info.data.get("network")
        if network and network.nat == "none" and not registry.pull_through:
            problem = (
                "must be true where network.nat is none: nodes reach no other registry, and add-ons would never start"
            )
            raise refuse(problem, field="pull_through")
        return registry


def _each_once(members: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(members)) != len(members):
        raise refuse("must name each member once")
    return members
