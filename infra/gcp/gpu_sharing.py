"""How many pods a GPU is for, by the setting: one, those that share it, or one for each of its partitions.

GKE offers a partition, and a share of a GPU, to pods as it offers a whole GPU: as one `nvidia.com/gpu`. Sources: GKE,
"About GPU sharing strategies in GKE", "Run multi-instance GPUs".
"""

import re
from dataclasses import dataclass

from infra.gcp.gpu_partitions import PROFILES
from infra.gcp.machine_settings import GpuSharingSettings
from infra.gcp.machine_types import MachineFacts


@dataclass(frozen=True)
class SharedGpus:
    """The GPUs of a node as pods see them."""

    gpus: int
    """How many a node offers."""
    memory_gib: float
    """Memory of each in GiB: of a partition as its profile is named; of what pods share, an equal part. Nothing keeps a
    pod to its part with time-sharing, nor with MPS on a partition, where it is told its part of the whole GPU. Source:
    GoogleCloudPlatform/container-engine-accelerators, pkg/gpu/nvidia/manager.go."""
    parts: bool
    """Whether each is a part of a GPU. A pod can have one: GKE refuses more of a GPU that is shared in turns and, on
    nodes with several, of one that is shared at the same time, and CUDA sees no second partition. Sources: GKE, "About
    GPU sharing strategies in GKE"; NVIDIA, "MIG User Guide" (CUDA device enumeration)."""


def shared_gpus(facts: MachineFacts, settings: GpuSharingSettings) -> SharedGpus:
    """The GPUs of a node as pods see them. Raises LookupError for a partition that they cannot be cut into."""
    gpus, memory_gib = facts.gpu_count, facts.gpu_memory_gib
    if settings.partition:
        gpus *= PROFILES[facts.accelerator][settings.partition]
        memory_gib = memory_of_partition_gib(settings.partition)
    if settings.strategy != "none":
        gpus, memory_gib = gpus * settings.pods, memory_gib / settings.pods
    return SharedGpus(gpus, round(memory_gib, 3), parts=bool(settings.partition) or settings.strategy != "none")


def memory_of_partition_gib(profile: str) -> float:
    """Memory of a partition, as its profile's name has it: 10 of 2g.10gb. Raises ValueError for what is no profile."""
    found = re.fullmatch(r"\d+g\.(\d+)gb(\+me)?", profile)
    if not found:
        raise ValueError(f"{profile} is no MIG profile")
    return float(found[1])
