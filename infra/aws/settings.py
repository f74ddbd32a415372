"""The settings of the platform on AWS: `trainyard:aws` in a stack file.

Whether a value is right may depend on others (the region, whether it is production): those come in the validation's
context, so that every problem is found, however wrong the rest is.
"""

import ipaddress
import json
import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from infra.aws import instance_types, subnets
from infra.setting_types import Group, Real, Truth, Whole, refuse

CapacityKind = Literal["on_demand", "spot", "reserved"]
"""How instances are bought. reserved: a capacity block, which has a start, an end and an identifier."""

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

KUBERNETES_VERSIONS = ("1.33", "1.34", "1.35")
"""Versions of EKS that this platform is made for."""

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The retentions that CloudWatch Logs knows, in days. Source: CloudWatch Logs API, PutRetentionPolicy."""


def _pattern(pattern: str, valid: str) -> AfterValidator:
    def check(text: str) -> str:
        if text and not re.fullmatch(pattern, text):
            raise refuse(f"must be {valid}")
        return text

    return AfterValidator(check)


def _retention(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise refuse(f"must be one of {', '.join(map(str, RETENTION_DAYS))}")
    return days


def _zone_of_network(zone: str, info: ValidationInfo) -> str:
    zones = _context(info, "zones")
    if zone and zones and zone not in zones:
        raise refuse(f"must be a zone of the network, which has {', '.join(map(str, zones))}")
    return zone


def _context(info: ValidationInfo, name: str) -> Any:
    return (info.context or {}).get(name)


ZoneOfNetwork = Annotated[str, AfterValidator(_zone_of_network)]
RetentionDays = Annotated[Whole, AfterValidator(_retention)]
RoleArn = Annotated[
    str,
    _pattern(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME"),
]


def _facts(name: str) -> instance_types.InstanceFacts:
    facts = instance_types.facts_of(name)
    assert facts is not None, name
    return facts


PoolName = Annotated[
    str,
    _pattern(r"(?!system$)[a-z]([a-z0-9-]{0,18}[a-z0-9])?", "named with at most 20 of a-z, 0-9 and -, and not system"),
]
Digest = Annotated[str, _pattern(r"sha256:[0-9a-f]{64}", "an image digest: sha256: and 64 hexadecimal digits")]
BaseImage = Annotated[str, _pattern(r"[\w./:-]+@sha256:[0-9a-f]{64}", "an image by its digest, NAME@sha256:DIGEST")]
EmailAddress = Annotated[str, _pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")]


class NetworkSettings(Group):
    """The network that everything runs in."""

    cidr: str = "10.0.0.0/16"
    """Private IPv4 range of the network, /16 to /20; the subnets are cut from it, with room to grow."""
    zones: tuple[str, ...] = ()
    """Two or three availability zones of the region, such as eu-west-1a. Has to be set."""
    nat: Literal["none", "single", "per_zone"] = "single"
    """Ways out to the internet: none (fully private), one for the stack, or one in each zone."""
    interface_endpoints: tuple[InterfaceEndpoint, ...] = ()
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
        region = _context(info, "region")
        if not zones and _context(info, "cloud") != "aws":
            return zones
        if not 2 <= len(zones) <= 3 or len(set(zones)) != len(zones):
            raise refuse("must be two or three different zones")
        if region and (foreign := [zone for zone in zones if not re.fullmatch(re.escape(region) + "[a-z]", zone)]):
            raise refuse(f"{', '.join(foreign)} is no zone of {region}; must be such as {region}a")
        return zones

    @field_validator("interface_endpoints")
    @classmethod
    def _endpoints_differ_and_suffice(cls, endpoints: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(endpoints)) != len(endpoints):
            raise refuse("must name each service once")
        missing = sorted(set(PRIVATE_NETWORK_NEEDS) - set(endpoints))
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


class StorageSettings(Group):
    """The buckets."""

    expire_checkpoints_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a checkpoint is removed."""
    tier_datasets_after_days: Whole = Field(default=30, ge=1, le=3650)
    """Days after which a data set moves to S3 Intelligent-Tiering."""
    keep_old_versions_days: Whole = Field(default=30, ge=1, le=3650)
    """Days that what was overwritten or deleted can still be had back."""
    expire_logs_after_days: Whole = Field(default=365, ge=1, le=3650)
    """Days after which logs are removed, those of access to the buckets among them."""
    delete_with_objects: Truth = False
    """Whether `destroy` deletes buckets that still hold objects. Refused in prod."""

    @field_validator("delete_with_objects")
    @classmethod
    def _production_keeps_its_data(cls, value: bool, info: ValidationInfo) -> bool:
        if value and _context(info, "environment") == "prod":
            raise refuse("must be false in prod, whose data outlives a mistake")
        return value


class GitHubSettings(Group):
    """Roles for GitHub Actions, by OpenID Connect: no key is stored anywhere."""

    repository: Annotated[str, _pattern(r"[\w.-]+/[\w.-]+", "OWNER/REPOSITORY")] = ""
    """Repository whose workflows may preview and deploy, as OWNER/REPOSITORY; empty: no roles."""
    deploy_environment: Annotated[str, _pattern(r"[\w.-]+", "the name of an environment: letters, digits and _.-")] = ""
    """GitHub environment whose jobs may deploy; empty: the stack's name."""
    default_branch: Annotated[str, _pattern(r"[\w./-]+", "the name of a branch")] = "main"
    """Branch whose jobs may preview, as pull requests may."""
    create_provider: Truth = True
    """Whether to make the account's identity provider for GitHub; false where another stack did."""
    state_bucket: Annotated[str, _pattern(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")] = ""
    """Bucket of Pulumi's state, which both roles read and deploy writes; empty where the state is elsewhere."""


class IdentitySettings(Group):
    """Who may do what."""

    mechanism: Literal["pod_identity", "irsa"] = "pod_identity"
    """How a pod gets its role: EKS Pod Identity, or IAM roles for service accounts (needed on Fargate)."""
    namespace: Annotated[str, _pattern(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "a Kubernetes name: a-z, 0-9 and -")] = (
        "trainyard"
    )
    """Kubernetes namespace of the workloads' service accounts."""
    permissions_boundary_arn: Annotated[
        str, _pattern(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", "the ARN of an IAM policy")
    ] = ""
    """IAM policy that no role of the stack can exceed; empty: none."""
    github: GitHubSettings = GitHubSettings()


class ClusterSettings(Group):
    """The EKS cluster."""

    version: str = "1.35"
    """Kubernetes version."""
    public_access_cidrs: tuple[str, ...] = ()
    """IPv4 ranges that reach the control plane over the internet; none: it is private."""
    admin_role_arns: tuple[RoleArn, ...] = ()
    """IAM roles that administer the cluster. Whoever creates a cluster has no rights in it by that alone."""
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
        for cidr in cidrs:
            try:
                network = ipaddress.IPv4Network(cidr)
            except ValueError:
                raise refuse(f"{cidr} is no IPv4 range; must be such as 203.0.113.0/24") from None
            if network.prefixlen == 0 and _context(info, "environment") == "prod":
                raise refuse(f"{cidr} is everybody; in prod it must be the ranges of people who administer it")
        return cidrs

    @field_validator("admin_role_arns")
    @classmethod
    def _roles_differ(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(roles)) != len(roles):
            raise refuse("must name each role once")
        return roles


class SystemPoolSettings(Group):
    """The nodes without GPU, for what the cluster itself needs."""

    instance_types: tuple[str, ...] = Field(default=("m7i.large", "m6i.large"), min_length=1, max_length=20)
    """x86-64 instance types without GPU, the preferred one first."""
    min_nodes: Whole = Field(default=2, ge=1, le=100)
    """Fewest nodes."""
    max_nodes: Whole = Field(default=4, ge=1, le=100)
    """Most nodes."""
    disk_gib: Whole = Field(default=50, ge=20, le=16384)
    """Size of each node's volume in GiB."""

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.max_nodes < self.min_nodes:
            raise refuse(f"must be min_nodes ({self.min_nodes}) or more", field="max_nodes")
        return self

    @field_validator("instance_types")
    @classmethod
    def _types_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            facts = instance_types.facts_of(name)
            if facts is None or facts.gpu_count or facts.architecture != "x86_64":
                raise refuse(
                    f"{name} is no known type without GPU; {instance_types.known(instance_types.without_gpu())}"
                )
        return names


class GpuPoolSettings(Group):
    """One pool of GPU nodes, all of one kind of capacity."""

    capacity: CapacityKind = "spot"
    """How its instances are bought."""
    instance_types: tuple[str, ...] = Field(min_length=1, max_length=20)
    """Instance types with NVIDIA GPUs, the preferred one first. Several make spot capacity likelier; a reserved pool
    has the one that is reserved."""
    min_nodes: Whole = Field(default=0, ge=0, le=1000)
    """Fewest nodes; 0 costs nothing while nothing runs."""
    max_nodes: Whole = Field(default=1, ge=1, le=1000)
    """Most nodes: what it can cost at most."""
    zones: Annotated[tuple[ZoneOfNetwork, ...], Field(max_length=3)] = ()
    """Zones of the network that it may use; none: all of them."""
    tightly_coupled: Truth = False
    """Whether its nodes work on one job together: one zone, a cluster placement group (a capacity block has its own),
    and EFA where the type has it."""
    capacity_reservation_id: Annotated[
        str, _pattern(r"cr-[0-9a-f]{8,17}", "the identifier of a capacity reservation, cr-0123456789abcdef0")
    ] = ""
    """The capacity block that a reserved pool runs in."""
    disk_gib: Whole = Field(default=200, ge=50, le=16384)
    """Size of each node's volume in GiB."""
    scratch: Literal["volume", "instance_store"] = "volume"
    """Where pods' files lie: on the volume, or on the instance's own NVMe disks joined as RAID 0, which end with it."""

    @field_validator("instance_types")
    @classmethod
    def _types_have_gpus(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise refuse("must name each type once")
        for name in names:
            facts = instance_types.facts_of(name)
            if facts is None or not facts.gpu_count or facts.architecture != "x86_64":
                raise refuse(
                    f"{name} is no known type with NVIDIA GPUs; {instance_types.known(instance_types.with_gpu())}"
                )
        if len({_facts(name).gpu_count for name in names}) > 1:
            raise refuse("must all have the same number of GPUs: the autoscaler takes the nodes of a pool for equal")
        return names

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.max_nodes < self.min_nodes:
            raise refuse(f"must be min_nodes ({self.min_nodes}) or more", field="max_nodes")
        if self.capacity == "reserved" and not self.capacity_reservation_id:
            raise refuse(
                "must be the capacity block's identifier, since capacity is reserved", field="capacity_reservation_id"
            )
        if self.capacity != "reserved" and self.capacity_reservation_id:
            raise refuse("must be reserved, since capacity_reservation_id is set", field="capacity")
        if self.capacity == "reserved" and len(self.instance_types) != 1:
            raise refuse("must be the one type that is reserved", field="instance_types")
        if self.capacity == "reserved" and len(self.zones) != 1:
            raise refuse("must be the one zone that the capacity block is in", field="zones")
        if self.tightly_coupled and len(self.zones) != 1:
            raise refuse("must be one zone, since tightly_coupled nodes are in one", field="zones")
        unreservable = [name for name in self.instance_types if not _facts(name).capacity_blocks]
        if self.capacity == "reserved" and unreservable:
            raise refuse(f"{unreservable[0]} cannot be had as a capacity block", field="instance_types")
        diskless = [
            name for name in self.instance_types if (facts := instance_types.facts_of(name)) and not facts.nvme_gb
        ]
        if self.scratch == "instance_store" and diskless:
            raise refuse(f"must be volume, since {', '.join(diskless)} has no disks of its own", field="scratch")
        return self


class RegistrySettings(Group):
    """The image registry."""

    keep_images: Whole = Field(default=30, ge=1, le=1000)
    """Images kept in each repository; older ones are removed."""


class ImageSettings(Group):
    """Which images run."""

    build: Truth = False
    """Whether `up` builds and pushes the images of this folder (needs docker buildx and the ECR credential helper)."""
    training_digest: Digest = ""
    """Digest of the training image in the registry, when it is not built here."""
    serving_digest: Digest = ""
    """Digest of the serving image in the registry, when it is not built here."""
    python_image: BaseImage = ""
    """Image that the training image is built from: python:3.12-slim by its digest."""
    triton_image: BaseImage = ""
    """Image that the serving image is built from: a release of nvcr.io/nvidia/tritonserver by its digest."""

    @model_validator(mode="after")
    def _bases_are_named(self) -> Self:
        for field in ("python_image", "triton_image"):
            if self.build and not getattr(self, field):
                raise refuse("must be the image to build from, since build is true: NAME@sha256:DIGEST", field=field)
        return self


class BudgetSettings(Group):
    """The monthly budget, over everything that has the stack's tag."""

    monthly_usd: Real = Field(default=0.0, ge=0, le=10_000_000)
    """US dollars a month; 0: no budget."""
    alert_emails: tuple[EmailAddress, ...] = Field(default=(), max_length=10)
    """Who is told at 50, 80 and 100 percent of it, and when 100 percent are forecast."""

    @model_validator(mode="after")
    def _somebody_is_told(self) -> Self:
        if self.monthly_usd and not self.alert_emails:
            raise refuse("must be one address at least, or nobody hears of the budget", field="alert_emails")
        return self


class InterruptionSettings(Group):
    """Notices of interruption, for the node termination handler or Karpenter."""

    enabled: Truth = True
    """Whether EC2's notices go to a queue."""


class MachineSettings(Group):
    """A single instance without Kubernetes."""

    instance_type: str = ""
    """Instance type; empty: no machine. Another one is a stop, a resize and a start."""
    zone: ZoneOfNetwork = ""
    """Zone of the network; empty: the first."""
    state: Literal["running", "stopped"] = "running"
    """Whether it runs. A stopped machine keeps its volume, which goes on costing."""
    hibernation: Truth = False
    """Whether it can be stopped with its memory kept; only types without GPU can."""
    generation: Whole = Field(default=1, ge=1, le=1_000_000)
    """Raise it to replace the machine by a new one."""
    image: Annotated[
        str,
        _pattern(
            r"ami-[0-9a-f]{8,17}|resolve:ssm:[\w./-]+", "an image, ami-…, or resolve:ssm: and the name of a parameter"
        ),
    ] = "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
    """Machine image; by default the newest of AWS's Deep Learning Base images for NVIDIA GPUs."""
    root_device: str = "/dev/xvda"
    """What the image calls its root volume: /dev/xvda on Amazon Linux, /dev/sda1 on Ubuntu."""
    disk_gib: Whole = Field(default=200, ge=75, le=16384)
    """Size of its volume in GiB."""

    @field_validator("instance_type")
    @classmethod
    def _type_is_known(cls, name: str) -> str:
        facts = instance_types.facts_of(name)
        if name and (facts is None or facts.architecture != "x86_64"):
            known = instance_types.known([*instance_types.with_gpu(), *instance_types.without_gpu()])
            raise refuse(f"is no known type for x86-64; {known}")
        return name

    @field_validator("hibernation")
    @classmethod
    def _type_hibernates(cls, value: bool, info: ValidationInfo) -> bool:
        facts = instance_types.facts_of(info.data.get("instance_type", ""))
        if value and facts and not facts.hibernation:
            raise refuse(f"must be false, since {facts.name} cannot hibernate (no type with a GPU can)")
        return value


class AwsSettings(Group):
    """AWS as a cloud."""

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
        allowed = _context(info, "allowed_account_ids")
        if (account or _context(info, "cloud") == "aws") and not re.fullmatch(r"\d{12}", account):
            raise refuse("must be an account's twelve digits, in quotes")
        if account and allowed and allowed != [account]:
            raise refuse(
                f"must be the account that the provider may use: aws:allowedAccountIds is {json.dumps(allowed)}"
            )
        return account

    @field_validator("region")
    @classmethod
    def _region_is_one(cls, region: str, info: ValidationInfo) -> str:
        if _context(info, "cloud") == "aws" and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            raise refuse("must be a region, such as eu-west-1")
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
