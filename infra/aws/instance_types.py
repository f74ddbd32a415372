"""What the EC2 instance types are that this platform knows: one table, `instance_types.csv`, for everything that asks.

Source: the answers of EC2's DescribeInstanceTypes, as AWS gave them to the makers of moto 5.2.5, whose recording the
tests compare every row with (2026-11). Types with a part of a GPU (g6f, gr6f) are left out.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

_TABLE = Path(__file__).with_name("instance_types.csv")


@dataclass(frozen=True)
class InstanceFacts:
    """One instance type."""

    name: str
    architecture: Literal["x86_64", "arm64"]
    vcpus: int
    memory_gib: float
    gpu_count: int
    """NVIDIA GPUs; 0: none."""
    gpu: str
    """Model of the GPU; empty: none."""
    gpu_memory_mib: int
    """Memory of each GPU in MiB."""
    nvme_gb: int
    """Size of all instance-store disks together in GB (10^9 bytes); 0: none."""
    efa_interfaces: int
    """Elastic Fabric Adapters that it can have; 0: none."""
    network_cards: int
    capacity_blocks: bool
    """Whether it can be reserved as a capacity block."""
    hibernation: bool
    """Whether it can be stopped with its memory kept."""

    @property
    def efa_cards(self) -> range:
        """The network cards that have an Elastic Fabric Adapter. Where there are fewer adapters than cards, the first
        card has none (P6-B300)."""
        return range(self.network_cards - self.efa_interfaces, self.network_cards)


def facts_of(name: str) -> InstanceFacts | None:
    """What is known of a type; None if nothing is."""
    return _table().get(name)


def with_gpu() -> list[str]:
    """The types with GPUs that the node images for NVIDIA GPUs run on, which are for x86-64."""
    return [name for name, facts in _table().items() if facts.gpu_count and facts.architecture == "x86_64"]


def without_gpu() -> list[str]:
    """The x86-64 types without GPU."""
    return [name for name, facts in _table().items() if not facts.gpu_count and facts.architecture == "x86_64"]


def known(names: Iterable[str]) -> str:
    """A short way to say which types are meant, for an error."""
    families = dict.fromkeys(name.partition(".")[0] for name in names)
    return f"known are the families {', '.join(families)} (infra/aws/instance_types.csv has every type)"


@cache
def _table() -> dict[str, InstanceFacts]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: _facts(row) for row in csv.DictReader(file)}


def _facts(row: dict[str, str]) -> InstanceFacts:
    return InstanceFacts(
        name=row["name"],
        architecture=cast(Literal["x86_64", "arm64"], row["architecture"]),
        vcpus=int(row["vcpus"]),
        memory_gib=float(row["memory_gib"]),
        gpu_count=int(row["gpus"]),
        gpu=row["gpu"],
        gpu_memory_mib=int(row["gpu_memory_mib"]),
        nvme_gb=int(row["nvme_gb"]),
        efa_interfaces=int(row["efa_interfaces"]),
        network_cards=int(row["network_cards"]),
        capacity_blocks=row["capacity_blocks"] == "1",
        hibernation=row["hibernation"] == "1",
    )
