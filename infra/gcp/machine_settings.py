"""The settings of everything that is Compute Engine's machines: the pools of nodes, and the single machine."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from infra.cloud_setting_values import ZoneOfNetwork, at_least_the_fewest, context
from infra.gcp import machine_fit, machine_types, machine_zones
from infra.setting_types import Group, Truth, Whole, pattern, refuse

CapacityKind = Literal["on_demand", "spot", "reserved", "flex_start"]
"""How machines are bought. reserved: a reservation of Compute Engine. flex_start: Dynamic Workload Scheduler gives
them when it has them, for seven days at most."""
DiskType = Literal["pd-balanced", "pd-ssd", "hyperdisk-balanced"]
"""Kinds of boot disk. Newer machines take Hyperdisk only."""
OF_A_RESERVATION = "the name of a reservation"


def _check(problem: str) -> None:
    if problem:
        raise refuse(problem)


def _facts(info: ValidationInfo) -> machine_types.MachineFacts | None:
    """The machine of a group that has been found to be one so far, with the GPUs that it gets; else None."""
    asked = info.data.get("machine_type", ""), info.data.get("accelerator"), info.data.get("accelerator_count")
    name, accelerator, count = asked
    return None if accelerator is None or count is None else machine_types.facts_of(name, accelerator, count)


def _network_zones(info: ValidationInfo) -> tuple[str, ...]:
    """The network's zones, as far as the region has them."""
    zones, region = context(info, "zones"), context(info, "region")
    of_region = machine_zones.zones_of_region(region) if isinstance(region, str) else ()
    return tuple(zone for zone in zones if zone in of_region) if isinstance(zones, list | tuple) else ()


class SystemPoolSettings(Group):
    """The nodes without GPU, for what the cluster itself needs."""

    machine_type: str = Field(default="e2-standard-4", validate_default=True)
    """x86-64 machine type without GPU."""
    min_nodes: Whole = Field(default=2, ge=1, le=100)
    """Fewest nodes, over all zones."""
    max_nodes: Whole = Field(default=4, ge=1, le=100)
    """Most nodes, over all zones."""
    disk_type: DiskType = Field(default="pd-balanced", validate_default=True)
    disk_gib: Whole = Field(default=50, ge=20, le=65536)
    """Size of each node's boot disk in GiB."""

    @field_validator("machine_type")
    @classmethod
    def _type_is_known_and_there(cls, name: str, info: ValidationInfo) -> str:
        _check(machine_fit.plain_type_problem(name))
        _check(machine_fit.zones_problem(name, "", _network_zones(info), all_of_them=True))
        return name

    @field_validator("disk_type")
    @classmethod
    def _machine_takes_it(cls, disk_type: str, info: ValidationInfo) -> str:
        _check(machine_fit.disk_problem(info.data.get("machine_type", ""), disk_type))
        return disk_type

    @field_validator("max_nodes")
    @classmethod
    def _range_is_one(cls, most: int, info: ValidationInfo) -> int:
        return at_least_the_fewest(most, info)


class GpuSharingSettings(Group):
    """How pods share a GPU."""

    strategy: Literal["none", "time_sharing", "mps"] = "none"
    """none: a pod has a GPU, or a partition of one, for itself. time_sharing: in turns. mps: at the same time, by
    NVIDIA's Multi-Process Service, for pods with hostIPC, which teams' namespaces do not admit."""
    pods: Whole = Field(default=1, ge=1, le=48, validate_default=True)
    """Pods that share one GPU, or one partition: 48 at most, whether in turns or at the same time. Sources: GKE, "Share
    GPUs with multiple workloads using GPU time-sharing"; NVIDIA, "Multi-Process Service" (until CUDA 13.0)."""
    partition: Annotated[str, pattern(r"\d+g\.\d+gb(\+me)?", "a MIG profile, such as 1g.5gb")] = ""
    """Profile of the partitions that each GPU is cut into by MIG; empty: none."""

    @field_validator("pods")
    @classmethod
    def _as_many_as_the_strategy_says(cls, pods: int, info: ValidationInfo) -> int:
        strategy = info.data.get("strategy")
        if strategy == "none" and pods > 1:
            raise refuse("must be 1 where strategy is none: time_sharing or mps lets more share a GPU")
        if strategy in ("time_sharing", "mps") and pods < 2:
            raise refuse(f"must be 2 to 48 where strategy is {strategy}")
        return pods


class GpuPoolSettings(Group):
    """One pool of GPU nodes, all of one type of machine and one kind of capacity."""

    capacity: CapacityKind = "spot"
    """How its machines are bought."""
    machine_type: str
    """Machine type. Those of the families a2, a3, a4, g2 and g4 have their GPUs; those of n1 get theirs by
    accelerator."""
    accelerator: str = Field(default="", validate_default=True)
    """GPUs that are attached to each machine of the family n1, such as nvidia-tesla-t4; empty: the type has its own."""
    accelerator_count: Whole = Field(default=0, ge=0, le=16, validate_default=True)
    """How many are attached."""
    min_nodes: Whole = Field(default=0, ge=0, le=1000)
    """Fewest nodes, over all of its zones; 0 costs nothing while nothing runs."""
    max_nodes: Whole = Field(default=1, ge=1, le=1000)
    """Most nodes, over all of its zones: what it can cost at most."""
    tightly_coupled: Truth = False
    """Whether its nodes work on one job together: one zone, and compact placement."""
    gpudirect: Literal["none", "tcpx", "tcpxo", "rdma"] = "none"
    """How GPUs of different nodes reach each other past the kernel: networks and subnets of their own for each of the
    machine's further network cards."""
    zones: Annotated[tuple[ZoneOfNetwork, ...], Field(max_length=3)] = Field(default=(), validate_default=True)
    """Zones of the network that it may use; none: all that have the machine type."""
    reservation: Annotated[str, pattern(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", OF_A_RESERVATION)] = Field(
        default="", validate_default=True
    )
    """The reservation that a reserved pool runs in."""
    most_hours: Whole = Field(default=0, ge=0, le=168)
    """Hours after which Compute Engine ends a node of the pool, whatever runs on it; 0: never, or for flex_start its
    own limit of seven days."""
    disk_type: DiskType = Field(default="pd-balanced", validate_default=True)
    disk_gib: Whole = Field(default=200, ge=50, le=65536)
    """Size of each node's boot disk in GiB."""
    local_ssds: Whole = Field(default=0, ge=0, le=32)
    """Local SSD disks of each machine whose type lets choose; 0: none, or those that the type has."""
    scratch: Literal["disk", "local_ssd"] = "disk"
    """Where pods' files lie: on the boot disk, or on the machine's local SSDs joined as RAID 0, which end with it."""
    driver: Literal["default", "latest"] = "latest"
    """Which of NVIDIA's drivers GKE installs: the newest that it has, or the one that it recommends for its version,
    which may be too old for CUDA 13: that needs 580 (NVIDIA, "CUDA Compatibility")."""
    sharing: GpuSharingSettings = GpuSharingSettings()
    image_streaming: Truth = True
    """Whether a container starts while its image is still being fetched."""

    @field_validator("machine_type")
    @classmethod
    def _type_has_gpus(cls, name: str, info: ValidationInfo) -> str:
        _check(machine_fit.gpu_type_problem(name, info.data.get("capacity", "")))
        return name

    @field_validator("accelerator")
    @classmethod
    def _can_be_attached(cls, accelerator: str, info: ValidationInfo) -> str:
        machine_type = info.data.get("machine_type", "")
        _check(machine_fit.accelerator_problem(machine_type, accelerator, needed=True))
        return accelerator

    @field_validator("accelerator_count")
    @classmethod
    def _so_many_can(cls, count: int, info: ValidationInfo) -> int:
        return _attached_count(count, info)

    @field_validator("min_nodes")
    @classmethod
    def _waits_for_what_it_is_given(cls, fewest: int, info: ValidationInfo) -> int:
        if fewest and info.data.get("capacity") == "flex_start":
            raise refuse("must be 0 where capacity is flex_start, which gives nodes when a pod needs them")
        return fewest

    @field_validator("max_nodes")
    @classmethod
    def _range_is_one(cls, most: int, info: ValidationInfo) -> int:
        return at_least_the_fewest(most, info)

    @field_validator("tightly_coupled")
    @classmethod
    def _machines_can_be_close(cls, together: bool, info: ValidationInfo) -> bool:
        facts = _facts(info)
        if together and facts and not facts.compact_placement:
            raise refuse(f"must be false: Compute Engine does not place machines of the series {facts.family} together")
        return together

    @field_validator("gpudirect")
    @classmethod
    def _machine_has_it(cls, kind: str, info: ValidationInfo) -> str:
        facts = _facts(info)
        _check(machine_fit.gpudirect_problem(facts, kind) if facts else "")
        return kind

    @field_validator("zones")
    @classmethod
    def _zones_fit(cls, zones: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(zones)) != len(zones):
            raise refuse("must name each zone once")
        if len(zones) != 1 and info.data.get("capacity") == "reserved":
            raise refuse("must be the one zone that the reservation is in")
        if len(zones) != 1 and info.data.get("tightly_coupled"):
            raise refuse("must be one zone, since tightly_coupled nodes are in one")
        if len(zones) != 1 and info.data.get("gpudirect", "none") != "none":
            raise refuse("must be one zone, since GPUs reach each other by gpudirect within one")
        if facts := _facts(info):
            accelerator, some = info.data["accelerator"], zones or _network_zones(info)
            _check(machine_fit.zones_problem(facts.name, accelerator, some, all_of_them=bool(zones)))
        return zones

    @field_validator("reservation")
    @classmethod
    def _reservation_fits(cls, reservation: str, info: ValidationInfo) -> str:
        reserved = info.data.get("capacity") == "reserved"
        if reserved and not reservation:
            raise refuse(f"must be {OF_A_RESERVATION}, since capacity is reserved")
        if reservation and not reserved and "capacity" in info.data:
            raise refuse("must be empty, since capacity is not reserved")
        return reservation

    @field_validator("disk_type")
    @classmethod
    def _machine_takes_it(cls, disk_type: str, info: ValidationInfo) -> str:
        _check(machine_fit.disk_problem(info.data.get("machine_type", ""), disk_type))
        return disk_type

    @field_validator("local_ssds")
    @classmethod
    def _so_many_fit(cls, count: int, info: ValidationInfo) -> int:
        facts, zones = _facts(info), info.data.get("zones") or _network_zones(info)
        _check(machine_fit.local_ssds_problem(facts, count, zones) if facts else "")
        return count

    @field_validator("scratch")
    @classmethod
    def _disks_are_there(cls, scratch: str, info: ValidationInfo) -> str:
        facts = _facts(info)
        if scratch == "local_ssd" and facts and not facts.local_ssds_bundled and info.data.get("local_ssds") == 0:
            if not facts.local_ssd_counts:
                raise refuse(f"must be disk: {facts.name} can have no local SSD")
            counts = machine_types.one_of(facts.local_ssd_counts)
            raise refuse(f"must be disk, or local_ssds be set: to {counts}, as {facts.name} can have them")
        return scratch

    @field_validator("sharing")
    @classmethod
    def _gpus_can_be_shared(cls, sharing: GpuSharingSettings, info: ValidationInfo) -> GpuSharingSettings:
        facts = _facts(info)
        if facts and (problem := machine_fit.partition_problem(facts, sharing.partition)):
            raise refuse(problem, field="partition")
        return sharing


class MachineSettings(Group):
    """A single GPU machine without Kubernetes."""

    machine_type: str = ""
    """Machine type; empty: no machine. Another one is a stop, a resize and a start; between types with and without a
    GPU, another machine with the same disk; but to and from A3 and A4, which Compute Engine does not resize, it takes
    another generation."""
    accelerator: str = ""
    """GPUs that are attached to a machine of the family n1; empty: the type has its own, or none."""
    accelerator_count: Whole = Field(default=0, ge=0, le=16, validate_default=True)
    zone: ZoneOfNetwork = Field(default="", validate_default=True)
    """Zone of the network; empty: the first."""
    capacity: Literal["on_demand", "spot"] = Field(default="on_demand", validate_default=True)
    """How it is bought. A spot machine that Google takes is stopped, and keeps its disk."""
    state: Literal["running", "stopped"] = "running"
    """Whether it runs. A stopped machine keeps its disk, which goes on costing. The provider cannot stop one whose type
    has local SSDs. Source: hashicorp/terraform-provider-google, issue 26173."""
    generation: Whole = Field(default=1, ge=1, le=1_000_000)
    """Raise it to replace the machine by a new one."""
    deletion_protection: Truth = True
    """Whether Compute Engine refuses to delete it in production. Then it is not replaced either: it takes an `up` with
    false before one with another generation, zone, capacity or GPU, or with no machine."""
    image: Annotated[
        str, pattern(r"projects/[a-z0-9-]+/global/images/(family/)?[a-z0-9-]+", "an image, or a family of images")
    ] = "projects/deeplearning-platform-release/global/images/family/common-cu129-ubuntu-2204-nvidia-580"
    """Machine image; by default the newest of Google's Deep Learning images for NVIDIA GPUs."""
    disk_type: DiskType = Field(default="pd-balanced", validate_default=True)
    disk_gib: Whole = Field(default=200, ge=50, le=65536)
    """Size of its boot disk in GiB. It counts, as image does, when a generation is made."""

    @field_validator("machine_type")
    @classmethod
    def _type_is_known(cls, name: str) -> str:
        _check(machine_fit.any_type_problem(name) if name else "")
        return name

    @field_validator("accelerator")
    @classmethod
    def _can_be_attached(cls, accelerator: str, info: ValidationInfo) -> str:
        machine_type = info.data.get("machine_type", "")
        if accelerator and machine_type == "":
            raise refuse("must be empty where machine_type is")
        _check(machine_fit.accelerator_problem(machine_type, accelerator, needed=False))
        return accelerator

    @field_validator("accelerator_count")
    @classmethod
    def _so_many_can(cls, count: int, info: ValidationInfo) -> int:
        return _attached_count(count, info)

    @field_validator("zone")
    @classmethod
    def _zone_has_it(cls, zone: str, info: ValidationInfo) -> str:
        facts, zones = _facts(info), (zone,) if zone else _network_zones(info)[:1]
        if facts and (
            problem := machine_fit.zones_problem(facts.name, info.data["accelerator"], zones, all_of_them=True)
        ):
            raise refuse(problem if zone else f"empty is the network's first zone, and {problem}")
        return zone

    @field_validator("capacity")
    @classmethod
    def _can_be_bought_so(cls, capacity: str, info: ValidationInfo) -> str:
        facts = _facts(info)
        _check(machine_fit.single_machine_problem(facts, capacity) if facts else "")
        return capacity

    @field_validator("state")
    @classmethod
    def _can_be_stopped(cls, state: str, info: ValidationInfo) -> str:
        facts = _facts(info)
        if state == "stopped" and facts and facts.local_ssds_bundled:
            raise refuse(
                f"must be running: whoever stops {facts.name} has to say what becomes of its local SSDs, which the "
                "provider does not; leave machine_type empty to end it"
            )
        return state

    @field_validator("disk_type")
    @classmethod
    def _machine_takes_it(cls, disk_type: str, info: ValidationInfo) -> str:
        _check(machine_fit.disk_problem(info.data.get("machine_type", ""), disk_type))
        return disk_type


def _attached_count(count: int, info: ValidationInfo) -> int:
    """A number of GPUs that can be attached to the machine, or 0 where none are."""
    if "accelerator" not in info.data:
        return count
    _check(machine_fit.count_problem(info.data.get("machine_type", ""), info.data["accelerator"], count))
    return count
