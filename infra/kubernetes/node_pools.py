"""What a pool of nodes offers to pods, whatever cloud it is in: what a queue's quota and a pod's fit are judged by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CapacityKind = Literal["on_demand", "spot", "reserved", "flex_start"]
"""How nodes are bought."""

POOL_LABEL = "trainyard.dev/pool"
CAPACITY_LABEL = "trainyard.dev/capacity"
GPU_RESOURCE = "nvidia.com/gpu"

DAEMON_CPUS = 0.35
"""CPUs of every node that its daemons ask for: network, proxy, volumes, identities, metrics, and the GPU's two."""
DAEMON_MEMORY_GIB = 1.0
"""Memory of every node that its daemons ask for."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """Keeps pods away that do not tolerate it."""

    key: str
    value: str
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] = "NoSchedule"


GPU_TAINT = Taint(key=GPU_RESOURCE, value="present")
"""Only pods come that ask for a GPU and say so. GKE puts it on nodes with GPUs by itself, with this value. Source: GKE,
"Run GPUs in GKE Standard node pools".
"""


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """A pool of equal nodes. Where it has several types of machine, each figure is that of the least of them."""

    name: str
    """Its nodes have it as the label `trainyard.dev/pool`."""
    capacity: CapacityKind
    """Its nodes have it as the label `trainyard.dev/capacity`."""
    cpus: float
    """CPUs of a node that pods can ask for: what the kubelet offers, less what daemons take."""
    memory_gib: float
    """Memory of a node that pods can ask for, likewise."""
    scratch_gib: float
    """Room of a node for pods' files."""
    gpus: int = 0
    """GPUs of a node; 0: none."""
    gpu_models: tuple[str, ...] = ()
    """Models of its GPUs, one for each type of machine."""
    gpu_memory_gib: float = 0
    """Memory of each GPU."""
    shared_gpus: bool = False
    """Whether each of its GPUs is a part of one, of which a pod can use no second one."""
    zones: tuple[str, ...] = ()
    """Zones that its nodes are in."""
    min_nodes: int = 0
    max_nodes: int
    tightly_coupled: bool = False
    """Whether its nodes are placed together in one zone."""
    fabric: Mapping[str, int] = field(default_factory=dict)
    """Devices of a node for traffic between nodes past the kernel, by resource name: `vpc.amazonaws.com/efa`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Every label that its nodes have by the pool's doing."""
    taints: tuple[Taint, ...] = ()

    @property
    def gpus_of_pod(self) -> int:
        """GPUs that one pod can have."""
        return min(self.gpus, 1) if self.shared_gpus else self.gpus

    @property
    def most_gpus(self) -> int:
        """GPUs that the pool has at its largest."""
        return self.gpus * self.max_nodes


def taints_of(pool: NodePool) -> list[dict[str, str]]:
    """The taints of a pool's nodes, as Kubernetes writes them."""
    return [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in pool.taints]


def node_affinity_of(pools: Iterable[NodePool]) -> dict[str, Any]:
    """Keeps pods off the nodes of every other pool."""
    fits = {"key": POOL_LABEL, "operator": "In", "values": [pool.name for pool in pools]}
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [fits]}]}}


def tolerations_of(pools: Iterable[NodePool]) -> list[dict[str, str]]:
    """What lets pods onto the nodes of all of the pools."""
    taints = {taint.key: taint for pool in pools for taint in pool.taints}
    return [
        {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
        for taint in taints.values()
    ]
