"""What the EC2 instance types are that this platform builds with: those of the price book of which everything is known.

The facts are one table for the whole project, `planning/prices/data/types_aws.csv`: the answers of EC2's
DescribeInstanceTypes, as AWS gave them to the makers of moto 5.2.5, whose recording the tests compare every row with
(2026-11). Types with a part of a GPU (g6f, gr6f) are left out. So are, here, those that the book knows from price lists
alone, and those with other GPUs than NVIDIA's (g4ad): neither can be a node of the platform.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from planning.prices.book import load_types
from planning.prices.model import Architecture, InstanceType


@dataclass(frozen=True)
class InstanceFacts:
    """One instance type."""

    name: str
    architecture: Architecture
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
    return f"known are the families {', '.join(families)} (planning/prices/data/types_aws.csv has every type)"


@cache
def _table() -> dict[str, InstanceFacts]:
    facts = (_facts(each) for each in load_types("aws"))
    return {each.name: each for each in facts if each is not None}


def _facts(known_type: InstanceType) -> InstanceFacts | None:
    # Only EC2's own answers tell the disks; a price list does not.
    if known_type.memory_gib is None or known_type.nvme_gb is None or known_type.gpu.startswith("Radeon"):
        return None
    return InstanceFacts(
        name=known_type.name,
        architecture=known_type.architecture,
        vcpus=known_type.vcpus,
        memory_gib=known_type.memory_gib,
        gpu_count=known_type.gpu_count,
        gpu=known_type.gpu,
        gpu_memory_mib=round(known_type.gpu_memory_gib * 1024),
        nvme_gb=round(known_type.nvme_gb),
        efa_interfaces=known_type.rdma_interfaces,
        network_cards=known_type.network_cards,
        capacity_blocks=known_type.capacity_blocks,
        hibernation=known_type.hibernation,
    )
