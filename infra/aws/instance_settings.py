"""The settings of everything that is EC2 instances: the pools of nodes, and the single machine."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from infra.aws import instance_offerings, instance_types
from infra.cloud_setting_values import ZoneOfNetwork, at_least_the_fewest, context
from infra.setting_types import Group, Truth, Whole, pattern, refuse

CapacityKind = Literal["on_demand", "spot", "reserved"]
"""How instances are bought. reserved: a capacity block, which has a start, an end and an identifier."""


def _offered(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    region = context(info, "region")
    for name in names:
        if not instance_offerings.is_offered(name, region):
            where = ", ".join(instance_offerings.regions_of(name)) or "none that is on record"
            raise refuse(f"{name} is not offered in {region}; regions that offer it are {where}")
    return names


def _facts(name: str) -> instance_types.InstanceFacts:
    facts = instance_types.facts_of(name)
    assert facts is not None, name
    return facts


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

    @field_validator("max_nodes")
    @classmethod
    def _range_is_one(cls, most: int, info: ValidationInfo) -> int:
        return at_least_the_fewest(most, info)

    @field_validator("instance_types")
    @classmethod
    def _types_are_known(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            facts = instance_types.facts_of(name)
            if facts is None or facts.gpu_count or facts.architecture != "x86_64":
                raise refuse(
                    f"{name} is no known type without GPU; {instance_types.known(instance_types.without_gpu())}"
                )
        return _offered(names, info)


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
    tightly_coupled: Truth = False
    """Whether its nodes work on one job together: one zone, a cluster placement group (a capacity block has its own),
    and EFA where the type has it."""
    zones: Annotated[tuple[ZoneOfNetwork, ...], Field(max_length=3)] = Field(default=(), validate_default=True)
    """Zones of the network that it may use; none: all of them."""
    capacity_reservation_id: Annotated[
        str, pattern(r"cr-[0-9a-f]{8,17}", "the identifier of a capacity reservation, cr-0123456789abcdef0")
    ] = Field(default="", validate_default=True)
    """The capacity block that a reserved pool runs in."""
    disk_gib: Whole = Field(default=200, ge=50, le=16384)
    """Size of each node's volume in GiB."""
    scratch: Literal["volume", "instance_store"] = "volume"
    """Where pods' files lie: on the volume, or on the instance's own NVMe disks joined as RAID 0, which end with it."""

    @field_validator("min_nodes")
    @classmethod
    def _karpenter_starts_from_none(cls, fewest: int, info: ValidationInfo) -> int:
        if fewest and context(info, "node_autoscaler") == "karpenter":
            raise refuse("must be 0 with Karpenter, which starts a node when a pod needs one")
        return fewest

    @field_validator("tightly_coupled")
    @classmethod
    def _group_places_together(cls, together: bool, info: ValidationInfo) -> bool:
        if together and context(info, "node_autoscaler") == "karpenter":
            raise refuse("must be false with Karpenter; kubernetes.addons.node_autoscaler = cluster_autoscaler can")
        return together

    @field_validator("instance_types")
    @classmethod
    def _types_have_gpus(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
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
        if info.data.get("capacity") == "reserved":
            if len(names) != 1:
                raise refuse("must be the one type that is reserved")
            if not _facts(names[0]).capacity_blocks:
                raise refuse(f"{names[0]} cannot be had as a capacity block")
        return _offered(names, info)

    @field_validator("max_nodes")
    @classmethod
    def _range_is_one(cls, most: int, info: ValidationInfo) -> int:
        return at_least_the_fewest(most, info)

    @field_validator("zones")
    @classmethod
    def _zones_fit(cls, zones: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(zones)) != len(zones):
            raise refuse("must name each zone once")
        if info.data.get("capacity") == "reserved" and len(zones) != 1:
            raise refuse("must be the one zone that the capacity block is in")
        if info.data.get("tightly_coupled") and len(zones) != 1:
            raise refuse("must be one zone, since tightly_coupled nodes are in one")
        return zones

    @field_validator("capacity_reservation_id")
    @classmethod
    def _reservation_fits(cls, reservation: str, info: ValidationInfo) -> str:
        reserved = info.data.get("capacity") == "reserved"
        if reserved and not reservation:
            raise refuse("must be the capacity block's identifier, since capacity is reserved")
        if reservation and not reserved and "capacity" in info.data:
            raise refuse("must be empty, since capacity is not reserved")
        return reservation

    @field_validator("scratch")
    @classmethod
    def _disks_are_there(cls, scratch: str, info: ValidationInfo) -> str:
        diskless = [name for name in info.data.get("instance_types", ()) if not _facts(name).nvme_gb]
        if scratch == "instance_store" and diskless:
            raise refuse(f"must be volume, since {', '.join(diskless)} has no disks of its own")
        return scratch


_SYSTEM_GIB = 75
"""Room for the machine image itself, in GiB."""


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
        pattern(
            r"ami-[0-9a-f]{8,17}|resolve:ssm:[\w./-]+", "an image, ami-…, or resolve:ssm: and the name of a parameter"
        ),
    ] = "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
    """Machine image; by default the newest of AWS's Deep Learning Base images for NVIDIA GPUs."""
    root_device: Annotated[str, pattern(r"/dev/[a-z][a-z0-9]+", "the name of a device, such as /dev/xvda")] = (
        "/dev/xvda"
    )
    """What the image calls its root volume: /dev/xvda on Amazon Linux, /dev/sda1 on Ubuntu."""
    disk_gib: Whole = Field(default=200, ge=_SYSTEM_GIB, le=16384)
    """Size of its volume in GiB. It counts, as image and root_device do, when a generation is made."""

    @field_validator("instance_type")
    @classmethod
    def _type_is_known(cls, name: str, info: ValidationInfo) -> str:
        facts = instance_types.facts_of(name)
        if name and (facts is None or facts.architecture != "x86_64"):
            known = instance_types.known([*instance_types.with_gpu(), *instance_types.without_gpu()])
            raise refuse(f"is no known type for x86-64; {known}")
        return _offered((name,), info)[0] if name else name

    @field_validator("hibernation")
    @classmethod
    def _type_hibernates(cls, value: bool, info: ValidationInfo) -> bool:
        facts = instance_types.facts_of(info.data.get("instance_type", ""))
        if value and facts and not facts.hibernation:
            raise refuse(f"must be false, since {facts.name} cannot hibernate (no type with a GPU can)")
        return value

    @field_validator("disk_gib")
    @classmethod
    def _memory_has_room(cls, size: int, info: ValidationInfo) -> int:
        facts = instance_types.facts_of(info.data.get("instance_type", ""))
        least = facts.memory_gib + _SYSTEM_GIB if facts and facts.memory_gib else 0
        if info.data.get("hibernation") and size < least:
            raise refuse(f"must be {least:.0f} or more: a machine that hibernates writes its memory there")
        return size
