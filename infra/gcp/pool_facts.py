"""What each pool of nodes offers to pods, with its labels and taints: computed from the settings, before any node is.

The nodes are made with the same labels and taints (`node_pool`), so a queue's quota and a pod's fit are judged by what
will be there. GKE adds labels of its own (`cloud.google.com/...`), which nothing here relies on.
"""

from infra.gcp import machine_types, machine_zones, node_resources
from infra.gcp.gpu_sharing import shared_gpus
from infra.gcp.machine_settings import GpuPoolSettings, SystemPoolSettings
from infra.gcp.machine_types import MachineFacts
from infra.gcp.settings import GcpSettings
from infra.kubernetes.node_pools import (
    CAPACITY_LABEL,
    DAEMON_CPUS,
    DAEMON_MEMORY_GIB,
    GPU_TAINT,
    POOL_LABEL,
    NodePool,
)

SYSTEM = "system"
"""Name of the pool of nodes without GPU."""
GPU_LABEL = "trainyard.dev/gpu"
"""Model of the GPU."""


def node_pools(settings: GcpSettings) -> tuple[NodePool, ...]:
    """Every pool, that of the cluster's own pods first. Raises LookupError for a machine type that is not known."""
    zones = settings.network.zones
    gpu_pools = (gpu_pool(name, pool, zones) for name, pool in settings.gpu_pools.items())
    return (system_pool(settings.system_pool, zones), *gpu_pools)


def system_pool(settings: SystemPoolSettings, zones: tuple[str, ...]) -> NodePool:
    """The pool of nodes without GPU."""
    facts = facts_of(settings.machine_type)
    return NodePool(
        name=SYSTEM,
        capacity="on_demand",
        cpus=_cpus(facts),
        memory_gib=_memory_gib(facts),
        scratch_gib=node_resources.scratch_gib_for_pods(facts, disk_gib=settings.disk_gib),
        zones=_offering(facts, "", zones),
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        labels={POOL_LABEL: SYSTEM, CAPACITY_LABEL: "on_demand"},
    )


def gpu_pool(name: str, settings: GpuPoolSettings, zones: tuple[str, ...]) -> NodePool:
    """A pool of GPU nodes.

    :param zones: The network's zones: a pool that names none may use all of them that have its machines.
    """
    facts = facts_of(settings.machine_type, settings.accelerator, settings.accelerator_count)
    gpus = shared_gpus(facts, settings.sharing)
    return NodePool(
        name=name,
        capacity=settings.capacity,
        cpus=_cpus(facts),
        memory_gib=_memory_gib(facts),
        scratch_gib=node_resources.scratch_gib_for_pods(
            facts, disk_gib=settings.disk_gib, local_ssds=scratch_ssds(facts, settings)
        ),
        gpus=gpus.gpus,
        gpu_models=(facts.gpu,),
        gpu_memory_gib=gpus.memory_gib,
        shared_gpus=gpus.parts,
        zones=settings.zones or _offering(facts, settings.accelerator, zones),
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        tightly_coupled=settings.tightly_coupled,
        labels={
            POOL_LABEL: name,
            CAPACITY_LABEL: settings.capacity,
            "nvidia.com/gpu.present": "true",
            GPU_LABEL: facts.gpu.replace(" ", "-"),
        },
        taints=(GPU_TAINT,),
    )


def facts_of(machine_type: str, accelerator: str = "", count: int = 0) -> MachineFacts:
    """The facts of a type, which settings have been checked to know. Raises LookupError for another."""
    facts = machine_types.facts_of(machine_type, accelerator, count)
    if facts is None:
        raise LookupError(f"the machine type {machine_type} is not known")
    return facts


def local_ssds_of(facts: MachineFacts, settings: GpuPoolSettings) -> int:
    """The local SSDs of each node: those that the type has, or those that were chosen."""
    return facts.local_ssds_bundled or settings.local_ssds


def scratch_ssds(facts: MachineFacts, settings: GpuPoolSettings) -> int:
    """The local SSDs that pods' files lie on; 0: they lie on the boot disk."""
    return local_ssds_of(facts, settings) if settings.scratch == "local_ssd" else 0


def _offering(facts: MachineFacts, accelerator: str, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones that have the machines; all of them where nothing is known of the machines' zones."""
    offering = machine_zones.zones_of(facts.name, accelerator)
    return tuple(zone for zone in zones if zone in offering) or zones


def _cpus(facts: MachineFacts) -> float:
    return round(node_resources.cpus_for_pods(facts) - DAEMON_CPUS, 3)


def _memory_gib(facts: MachineFacts) -> float:
    return round(node_resources.memory_gib_for_pods(facts) - DAEMON_MEMORY_GIB, 3)
