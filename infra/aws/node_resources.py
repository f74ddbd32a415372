"""What a node of an instance type offers to pods: the machine's own, less what EKS's node image keeps for itself.

What is kept depends on how many pods a node could have, and so on the addresses that the type's network interfaces can
have: `instance_addresses.csv`. Source of the table: the answers of EC2's DescribeInstanceTypes, as AWS gave them to the
makers of moto 5.2.5, whose recording the tests compare it with (2026-11).

Sources of the rules: nodeadm of Amazon Linux 2023's EKS image, `internal/kubelet/config.go` and `eni_max_pods.go`
(2026-07); Kubernetes, "Reserve Compute Resources for System Daemons".
"""

import csv
from functools import cache
from pathlib import Path

from infra.aws.instance_types import InstanceFacts

_TABLE = Path(__file__).with_name("instance_addresses.csv")

NOT_SEEN_SHARE = 0.075
"""Share of a type's memory that its kernel does not see, at most. Source: Karpenter, "Settings",
`VM_MEMORY_OVERHEAD_PERCENT`, its default."""
EVICTION_MIB = 100
"""Memory below which the kubelet begins to evict pods, and which it therefore does not offer."""
EVICTION_DISK_SHARE = 0.1
"""Share of the file system below which the kubelet begins to evict pods."""
RESERVED_DISK_GIB = 1
"""Room that the kubelet keeps for itself."""
CONTAINER_IMAGES_GIB = {True: 30, False: 10}
"""Room for container images on a node, with GPUs or without: an assumption. NVIDIA's Triton image alone is about 20 GiB
unpacked."""
MACHINE_IMAGE_GIB = {True: 10, False: 5}
"""What the machine image itself takes of a node's volume, with NVIDIA's driver or without. An assumption."""


def most_pods(instance_type: str) -> int:
    """Pods that a node can have, when each has an address of its own: what the reserve is counted by, however many it
    may really have. Raises KeyError for a type that no pool can have."""
    interfaces, addresses = _table()[instance_type]
    return interfaces * (addresses - 1) + 2


def cpus_for_pods(facts: InstanceFacts) -> float:
    """CPUs that the kubelet offers: less 6 % of the first, 1 % of the second, 0.5 % of the next two, 0.25 % of the
    others."""
    bounds = ((1, 0.06), (2, 0.01), (4, 0.005), (facts.vcpus, 0.0025))
    kept, start = 0.0, 0
    for end, share in bounds:
        kept += max(min(facts.vcpus, end) - start, 0) * share
        start = end
    return round(facts.vcpus - kept, 3)


def memory_gib_for_pods(facts: InstanceFacts) -> float:
    """Memory in GiB that the kubelet offers: less 255 MiB, 11 MiB for each possible pod, and the eviction threshold."""
    seen = facts.memory_gib * 1024 * (1 - NOT_SEEN_SHARE)
    return round((seen - (255 + 11 * most_pods(facts.name)) - EVICTION_MIB) / 1024, 3)


def disk_gib_for_pods(facts: InstanceFacts, *, disk_gib: int, instance_store: bool) -> float:
    """Room in GiB that the kubelet offers, of the node's volume or of the instance's own disks."""
    size = facts.nvme_gb * 10**9 / 2**30 if instance_store else disk_gib
    return max(size * (1 - EVICTION_DISK_SHARE) - RESERVED_DISK_GIB, 0)


def scratch_gib_for_pods(facts: InstanceFacts, *, disk_gib: int, instance_store: bool) -> float:
    """Room in GiB for pods' files: what the kubelet offers, less what images take, which lie there as well."""
    with_gpus = bool(facts.gpu_count)
    images = CONTAINER_IMAGES_GIB[with_gpus] + (0 if instance_store else MACHINE_IMAGE_GIB[with_gpus])
    offered = disk_gib_for_pods(facts, disk_gib=disk_gib, instance_store=instance_store)
    return round(max(offered - images, 0), 1)


@cache
def _table() -> dict[str, tuple[int, int]]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: (int(row["interfaces"]), int(row["addresses"])) for row in csv.DictReader(file)}
