"""What each pool of nodes offers to pods, with its labels and taints: computed from the settings, before any node is.

The nodes are made with the same labels and taints (`node_pool`, `karpenter`), so a queue's quota and a pod's fit are
judged by what will be there.
"""

from infra.aws import instance_types, node_resources
from infra.aws.instance_settings import GpuPoolSettings, SystemPoolSettings
from infra.aws.instance_types import InstanceFacts
from infra.aws.settings import AwsSettings
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
"""Model of the GPU, on nodes of a pool whose types have the same one."""
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""By this the autoscaler knows that a new node's GPUs are still to come, and does not start another one meanwhile.
Source: Kubernetes autoscaler, its guide for AWS, "Special note on GPU instances"."""
EFA_RESOURCE = "vpc.amazonaws.com/efa"


def node_pools(settings: AwsSettings) -> tuple[NodePool, ...]:
    """Every pool, that of the cluster's own pods first."""
    zones = settings.network.zones
    gpu_pools = (gpu_pool(name, pool, zones) for name, pool in settings.gpu_pools.items())
    return (system_pool(settings.system_pool, zones), *gpu_pools)


def system_pool(settings: SystemPoolSettings, zones: tuple[str, ...]) -> NodePool:
    """The pool of nodes without GPU."""
    types = facts_of(settings.instance_types)
    return NodePool(
        name=SYSTEM,
        capacity="on_demand",
        cpus=_cpus(types),
        memory_gib=_memory_gib(types),
        scratch_gib=min(
            node_resources.scratch_gib_for_pods(facts, disk_gib=settings.disk_gib, instance_store=False)
            for facts in types
        ),
        zones=zones,
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        labels={POOL_LABEL: SYSTEM, CAPACITY_LABEL: "on_demand"},
    )


def gpu_pool(name: str, settings: GpuPoolSettings, zones: tuple[str, ...]) -> NodePool:
    """A pool of GPU nodes.

    :param zones: The network's zones, all of which a pool may use that names none.
    """
    types = facts_of(settings.instance_types)
    cards = common_efa_cards(types) if settings.tightly_coupled else []
    instance_store = settings.scratch == "instance_store"
    return NodePool(
        name=name,
        capacity=settings.capacity,
        cpus=_cpus(types),
        memory_gib=_memory_gib(types),
        scratch_gib=min(
            node_resources.scratch_gib_for_pods(facts, disk_gib=settings.disk_gib, instance_store=instance_store)
            for facts in types
        ),
        gpus=min(facts.gpu_count for facts in types),
        gpu_models=tuple(facts.gpu for facts in types),
        gpu_memory_gib=round(min(facts.gpu_memory_mib for facts in types) / 1024, 3),
        zones=settings.zones or zones,
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        tightly_coupled=settings.tightly_coupled,
        fabric={EFA_RESOURCE: len(cards)} if cards else {},
        labels=_gpu_labels(name, settings, types),
        taints=(GPU_TAINT,),
    )


def facts_of(types: tuple[str, ...]) -> list[InstanceFacts]:
    """The facts of each type, all of which settings have been checked to be known."""
    return [facts for each in types if (facts := instance_types.facts_of(each))]


def common_efa_cards(types: list[InstanceFacts]) -> list[int]:
    """The network cards that have an Elastic Fabric Adapter in every one of the types."""
    return sorted(set.intersection(*(set(facts.efa_cards) for facts in types))) if types else []


def _gpu_labels(name: str, settings: GpuPoolSettings, types: list[InstanceFacts]) -> dict[str, str]:
    labels = {POOL_LABEL: name, CAPACITY_LABEL: settings.capacity, "nvidia.com/gpu.present": "true"}
    models = {facts.gpu.replace(" ", "-") for facts in types}
    if len(models) > 1:
        return labels | {ACCELERATOR_LABEL: "nvidia"}
    (model,) = models
    return labels | {ACCELERATOR_LABEL: f"nvidia-{model.lower()}", GPU_LABEL: model}


def _cpus(types: list[InstanceFacts]) -> float:
    return round(min(map(node_resources.cpus_for_pods, types)) - DAEMON_CPUS, 3)


def _memory_gib(types: list[InstanceFacts]) -> float:
    return round(min(map(node_resources.memory_gib_for_pods, types)) - DAEMON_MEMORY_GIB, 3)
