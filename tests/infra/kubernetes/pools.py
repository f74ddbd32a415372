"""Pools of nodes as a cloud's platform describes them, for tests: two on spot, one on demand, and one without GPUs."""

from infra.kubernetes.node_pools import CAPACITY_LABEL, GPU_TAINT, POOL_LABEL, CapacityKind, NodePool

ZONES = ("zone-a", "zone-b")


def gpu_pool(
    name: str,
    capacity: CapacityKind = "spot",
    *,
    gpus: int = 1,
    max_nodes: int = 4,
    cpus: float = 3.5,
    memory_gib: float = 13,
    scratch_gib: float = 100,
    gpu_memory_gib: float = 16,
    fabric: dict[str, int] | None = None,
) -> NodePool:
    """A pool of GPU nodes."""
    return NodePool(
        name=name,
        capacity=capacity,
        cpus=cpus,
        memory_gib=memory_gib,
        scratch_gib=scratch_gib,
        gpus=gpus,
        gpu_models=("T4",),
        gpu_memory_gib=gpu_memory_gib,
        zones=ZONES,
        max_nodes=max_nodes,
        fabric=fabric or {},
        labels={POOL_LABEL: name, CAPACITY_LABEL: capacity},
        taints=(GPU_TAINT,),
    )


SYSTEM = NodePool(
    name="system",
    capacity="on_demand",
    cpus=1.5,
    memory_gib=6,
    scratch_gib=40,
    zones=ZONES,
    max_nodes=4,
    labels={POOL_LABEL: "system", CAPACITY_LABEL: "on_demand"},
)
SMALL = gpu_pool("small")
LARGE = gpu_pool(
    "large", gpus=8, max_nodes=2, cpus=180, memory_gib=700, scratch_gib=3000, gpu_memory_gib=24,
    fabric={"vpc.amazonaws.com/efa": 1},
)  # fmt: skip
BOUGHT = gpu_pool("bought", "on_demand", max_nodes=2)
POOLS = (SYSTEM, SMALL, LARGE, BOUGHT)
