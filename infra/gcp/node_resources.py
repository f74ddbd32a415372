"""What a node of a machine type offers to pods: the machine's own, less what GKE keeps for itself.

From 1.37 on GKE keeps no more memory than this, and less where a node may have few pods: this stays the most that it
keeps, whatever the version.

Source of the rules: GKE, "Plan GKE Standard node sizes" (also "About GKE node sizing"), whose own example of a node the
tests compare this with; Kubernetes, "Reserve Compute Resources for System Daemons".
"""

from infra.gcp.machine_types import MachineFacts

NOT_SEEN_SHARE = 0.03
"""Share of a type's memory that its kernel does not see, and of what GKE takes beyond its own formula: an assumption.
The page's node of 16 GiB sees 15.63 and offers 12.87, and the formula alone would have it 12.93."""
EVICTION_MIB = 100
"""Memory below which the kubelet begins to evict pods, and which it therefore does not offer."""
EVICTION_DISK_SHARE = 0.1
"""Share of the file system below which the kubelet begins to evict pods."""
SYSTEM_PARTITIONS_GIB = 4
"""What Container-Optimized OS has of a boot disk before the file system that pods use: an assumption. With the next, it
makes 94.1 GiB of the 100 of the page's node, which has 94.25."""
FILE_SYSTEM_SHARE = 0.98
"""Share of a disk that its file system leaves: an assumption."""
MOST_RESERVED_DISK_GIB = 100
LOCAL_SSD_RESERVED_GIB = {0: 0, 1: 50, 2: 75}
"""Room that GKE keeps of local SSDs, by how many there are; of three and more it is the most."""
CONTAINER_IMAGES_GIB = {True: 30, False: 10}
"""Room for container images on a node, with GPUs or without: an assumption. NVIDIA's Triton image alone is about 20 GiB
unpacked."""


def cpus_for_pods(facts: MachineFacts) -> float:
    """CPUs that the kubelet offers: less 6 % of the first, 1 % of the second, 0.5 % of the next two, 0.25 % of the
    others."""
    reserved = _by_steps(facts.vcpus, ((1, 0.06), (2, 0.01), (4, 0.005), (float("inf"), 0.0025)))
    return round(facts.vcpus - reserved, 3)


def memory_gib_for_pods(facts: MachineFacts) -> float:
    """Memory in GiB that the kubelet offers: less 25 % of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 %
    up to 128, 2 % of the rest, and the eviction threshold."""
    size = facts.memory_gib
    reserved = _by_steps(size, ((4, 0.25), (8, 0.2), (16, 0.1), (128, 0.06), (float("inf"), 0.02)))
    return round(max(size * (1 - NOT_SEEN_SHARE) - reserved - EVICTION_MIB / 1024, 0), 3)


def reserved_disk_gib(disk_gib: float) -> float:
    """Room in GiB that GKE keeps of a boot disk."""
    return min(0.5 * disk_gib, 6 + 0.35 * disk_gib, MOST_RESERVED_DISK_GIB)


def disk_gib_for_pods(disk_gib: float) -> float:
    """Room in GiB that the kubelet offers of a boot disk."""
    file_system = (disk_gib - SYSTEM_PARTITIONS_GIB) * FILE_SYSTEM_SHARE
    return max(file_system * (1 - EVICTION_DISK_SHARE) - reserved_disk_gib(disk_gib), 0)


def local_ssd_gib_for_pods(count: int, each_gib: float) -> float:
    """Room in GiB that the kubelet offers of local SSDs, joined as one."""
    file_system = count * each_gib * FILE_SYSTEM_SHARE
    return max(file_system * (1 - EVICTION_DISK_SHARE) - _reserved_local_ssd_gib(count), 0)


def scratch_gib_for_pods(facts: MachineFacts, *, disk_gib: int, local_ssds: int = 0) -> float:
    """Room in GiB for pods' files: what the kubelet offers, less what images take beyond the room that GKE keeps.

    :param local_ssds: The local SSDs that pods' files and images lie on; 0: they lie on the boot disk.
    """
    if local_ssds:
        reserved: float = _reserved_local_ssd_gib(local_ssds)
        offered = local_ssd_gib_for_pods(local_ssds, facts.local_ssd_gib)
    else:
        reserved, offered = reserved_disk_gib(disk_gib), disk_gib_for_pods(disk_gib)
    images = max(CONTAINER_IMAGES_GIB[bool(facts.gpu_count)] - reserved, 0)
    return round(max(offered - images, 0), 1)


def _reserved_local_ssd_gib(count: int) -> int:
    return LOCAL_SSD_RESERVED_GIB.get(count, MOST_RESERVED_DISK_GIB)


def _by_steps(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    """What is kept of an amount, a share of each step: (its end, the share)."""
    kept = start = 0.0
    for end, share in steps:
        kept += max(min(amount, end) - start, 0) * share
        start = end
    return kept
