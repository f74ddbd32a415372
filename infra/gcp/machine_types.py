"""What Compute Engine's machine types are that this platform builds with.

One table, `machine_types.csv`; each row names its source. The pages of Google Cloud that it was compared with, all of
2026-04-14: "GPU machine types" and "Accelerator-optimized machine family" (GPUs, kinds of boot disk, compact placement,
and how each is bought: an A3 High with fewer than 8 GPUs as spot and flex-start only, A3 Ultra and A4 never on demand);
"About Local SSD disks", "Choose a valid number of Local SSD disks". That G4 is had as flex-start is in Compute Engine's
release notes of 2025-12-19, that it can be placed close together in AI Hypercomputer's pages, and that T4 is had as
flex-start in GKE's "Run a small batch workload with GPUs and Flex-start VMs" (2026-06-09).

Of types without GPU, vCPUs, memory and bandwidth are from the lists that Cyclenerd keeps of Google's catalogue. Boot
disks of C4, E2, N1, N2, N2D and T2D are as in "General-purpose machine family for Compute Engine". Those of C2D, C3 and
N4, and which series can be placed close together, but for C4, have not been checked against Google's pages.

Left out: types with a part of a GPU (g4-standard-6 to -24), with Arm processors (A4X, C4A, N4A, T2A), bare metal,
shared cores, and those without GPU that have more than 96 vCPUs.
"""

import csv
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("machine_types.csv")

LOCAL_SSD_GIB = 375
"""Size of each Local SSD disk in GiB. Source: Compute Engine, "About Local SSD disks"."""


@dataclass(frozen=True)
class MachineFacts:
    """One machine type, with the GPUs that it has or that are attached to it."""

    name: str
    family: str
    """Series, such as a3."""
    architecture: str
    vcpus: int
    memory_gib: float
    gpu: str
    """Model of the GPU, as on every cloud; empty: none."""
    accelerator: str
    """What Google calls the GPU, such as nvidia-l4; empty: none."""
    gpu_count: int
    """NVIDIA GPUs; 0: none."""
    gpu_memory_gib: float
    """Memory of each GPU in GiB."""
    gpu_interconnect: str
    """What joins the GPUs of one machine: nvlink or pcie; empty: it has one, or none."""
    local_ssd_counts: tuple[int, ...]
    """Numbers of Local SSD disks that may be chosen beside none; empty: none can be."""
    local_ssds_bundled: int
    """Local SSD disks that the type always has."""
    network_gbps: float
    """Most of what it sends in Gbit/s, without what Google calls Tier_1."""
    gpudirect: str
    """How its GPUs reach those of other machines past the kernel: tcpx, tcpxo, rdma or none."""
    capacities: frozenset[str]
    """How it can be bought: on_demand, spot, reserved, flex_start."""
    compact_placement: bool
    """Whether machines of it can be placed close to each other."""
    disk_types: tuple[str, ...]
    """Kinds of boot disk that it takes, of those that the settings know."""

    @property
    def local_ssd_gib(self) -> int:
        """Size of each Local SSD disk in GiB."""
        return LOCAL_SSD_GIB

    @property
    def spot(self) -> bool:
        """Whether it is had as spot capacity."""
        return "spot" in self.capacities

    @property
    def flex_start(self) -> bool:
        """Whether Dynamic Workload Scheduler gives it."""
        return "flex_start" in self.capacities


@dataclass(frozen=True)
class AttachableGpu:
    """A GPU that machines of the series N1 can have."""

    gpu: str
    gpu_memory_gib: float
    gpu_interconnect: str
    limits: Mapping[int, tuple[int, int]]
    """How many can be attached, with the most vCPUs and the most memory in GiB of a machine that has so many."""


ATTACHABLE: Mapping[str, AttachableGpu] = {
    "nvidia-tesla-t4": AttachableGpu("T4", 16, "pcie", {1: (48, 312), 2: (48, 312), 4: (96, 624)}),
    "nvidia-tesla-p4": AttachableGpu("P4", 8, "pcie", {1: (24, 156), 2: (48, 312), 4: (96, 624)}),
    "nvidia-tesla-v100": AttachableGpu("V100", 16, "nvlink", {1: (12, 78), 2: (24, 156), 4: (48, 312), 8: (96, 624)}),
}
"""By what Google calls them. Google ends T4 and P4 on 2027-08-01. Sources: Google Cloud, "GPU machine types", "N1
machine series" (page of 2026-04-14); Compute Engine, "Deprecations"."""

ENDED: Mapping[str, str] = {"nvidia-tesla-k80": "2024-05-01", "nvidia-tesla-p100": "2026-09-15"}
"""GPUs that Google has no more, by the day that they went. Source: Compute Engine, "NVIDIA K80 end of support",
"NVIDIA P100 end of support"."""

_MOST_LOCAL_SSDS_WITH = {"nvidia-tesla-t4": 16}
"""Fewer Local SSD disks than N1 can have without. Source: "Choose a valid number of Local SSD disks"."""

ATTACHED_TO = "n1"
"""The series that GPUs can be attached to."""


def facts_of(name: str, accelerator: str = "", count: int = 0) -> MachineFacts | None:
    """What is known of a type; None if nothing is, or if it cannot have that accelerator.

    :param accelerator: GPU that is attached to it; empty: none, or the type has its own.
    :param count: How many are.
    """
    facts = _table().get(name)
    if facts is None or not (accelerator or count):
        return facts
    if accelerator_problem(facts, accelerator) or count_problem(facts, accelerator, count):
        return None
    attached = ATTACHABLE[accelerator]
    most_ssds = _MOST_LOCAL_SSDS_WITH.get(accelerator, max(facts.local_ssd_counts))
    return dataclasses.replace(
        facts,
        gpu=attached.gpu,
        accelerator=accelerator,
        gpu_count=count,
        gpu_memory_gib=attached.gpu_memory_gib,
        gpu_interconnect=attached.gpu_interconnect if count > 1 else "",
        local_ssd_counts=tuple(each for each in facts.local_ssd_counts if each <= most_ssds),
        capacities=facts.capacities | {"flex_start"},
    )


def accelerator_problem(facts: MachineFacts, accelerator: str) -> str:
    """Why a type cannot have an accelerator attached, in words that follow a value; empty: it can."""
    if facts.family != ATTACHED_TO:
        own = f"has its own ({facts.gpu_count} {facts.accelerator})" if facts.gpu_count else "can have none"
        return f"must be left out: GPUs are attached to machines of the series {ATTACHED_TO}, and {facts.name} {own}"
    if accelerator in ATTACHABLE:
        return ""
    because = ""
    if accelerator in ENDED:
        because = f"; Google has no {accelerator} since {ENDED[accelerator]}"
    elif whose := [each.name for each in _table().values() if accelerator and each.accelerator == accelerator]:
        because = f"; {accelerator} is what {', '.join(whose)} has" if len(whose) == 1 else ""
        because = because or f"; {accelerator} is what {whose[0]} to {whose[-1]} have"
    return f"must be a GPU that can be attached to {facts.name}: {', '.join(ATTACHABLE)}{because}"


def count_problem(facts: MachineFacts, accelerator: str, count: int) -> str:
    """Why a type cannot have so many of an accelerator that it can have; empty: it can."""
    limits = ATTACHABLE[accelerator].limits
    if count not in limits:
        return f"must be {one_of(limits)}, as {accelerator} can be attached"
    most_vcpus, most_gib = limits[count]
    if facts.vcpus > most_vcpus or facts.memory_gib > most_gib:
        return (
            f"must be of a machine with at most {most_vcpus} vCPUs and {most_gib} GiB for {count} {accelerator}; "
            f"{facts.name} has {facts.vcpus} and {facts.memory_gib:g}"
        )
    return ""


def with_gpu() -> list[str]:
    """The types that have GPUs of their own."""
    return [name for name, facts in _table().items() if facts.gpu_count]


def without_gpu() -> list[str]:
    """The types without GPU, those included that GPUs can be attached to."""
    return [name for name, facts in _table().items() if not facts.gpu_count]


def known(names: Iterable[str]) -> str:
    """A short way to say which types are meant, for an error."""
    families = dict.fromkeys(name.rpartition("-")[0] if name[0] in "ag" else name.partition("-")[0] for name in names)
    return f"known are {', '.join(families)} (infra/gcp/machine_types.csv has every type)"


def one_of(numbers: Iterable[int]) -> str:
    """Numbers to choose from, in words."""
    *others, last = map(str, sorted(numbers))
    return f"{', '.join(others)} or {last}" if others else last


@cache
def _table() -> dict[str, MachineFacts]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: _facts(row) for row in csv.DictReader(file)}


def _facts(row: Mapping[str, str]) -> MachineFacts:
    return MachineFacts(
        name=row["name"],
        family=row["family"],
        architecture="x86_64",
        vcpus=int(row["vcpus"]),
        memory_gib=float(row["memory_gib"]),
        gpu=row["gpu"],
        accelerator=row["accelerator"],
        gpu_count=int(row["gpu_count"]),
        gpu_memory_gib=float(row["gpu_memory_gib"]),
        gpu_interconnect=row["gpu_interconnect"],
        local_ssd_counts=tuple(map(int, row["local_ssd_counts"].split())),
        local_ssds_bundled=int(row["local_ssds_bundled"]),
        network_gbps=float(row["network_gbps"]),
        gpudirect=row["gpudirect"],
        capacities=frozenset(row["capacities"].split()),
        compact_placement=row["compact_placement"] == "1",
        disk_types=tuple(row["disk_types"].split()),
    )
