"""Which pools of nodes a pod fits on, and why not on the others: told before anything is made, not by pods that wait.

All of a job's pods go to one pool, since its queue admits them so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi

from infra.kubernetes.node_pools import CapacityKind, NodePool
from infra.workload_settings import Capacity, JobPodSettings, ServicePodSettings

CHEAPEST_FIRST: tuple[CapacityKind, ...] = ("spot", "flex_start", "reserved", "on_demand")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a workload asks of the nodes that it runs on."""

    capacity: Capacity
    pool: str
    """The only pool allowed; empty: any."""
    pods: int
    """Pods at the same time, each on a node of its own where they are a job's."""
    cpus: float
    memory_gib: float
    scratch_gib: float
    gpus: int
    """Whole GPUs of each pod."""
    gpu_memory_gib: float
    gpu_slice: bool = False
    """Whether a pod takes a slice of a GPU."""
    one_node_each: bool = True

    @property
    def on_gpus(self) -> bool:
        """Whether it runs on nodes with GPUs."""
        return self.gpus > 0 or self.gpu_slice


def need_of_job(pods: JobPodSettings) -> Need:
    """What a job asks for."""
    return Need(
        capacity=pods.capacity,
        pool=pods.pool,
        pods=pods.nodes,
        cpus=pods.cpus,
        memory_gib=pods.memory_gib,
        scratch_gib=pods.scratch_gib,
        gpus=pods.gpus,
        gpu_memory_gib=pods.gpu_memory_gib,
    )


def need_of_service(pods: ServicePodSettings, *, extra_cpus: float = 0, extra_memory_gib: float = 0) -> Need:
    """What a service asks for.

    :param extra_cpus: What a pod's containers beside the server take.
    :param extra_memory_gib: Likewise.
    """
    return Need(
        capacity=pods.capacity,
        pool=pods.pool,
        pods=1,
        cpus=pods.cpus + extra_cpus,
        memory_gib=pods.memory_gib + extra_memory_gib,
        scratch_gib=0,
        gpus=pods.gpus,
        gpu_memory_gib=pods.gpu_memory_gib,
        gpu_slice=bool(pods.mig_profile),
        one_node_each=False,
    )


def fitting_pools(need: Need, pools: Sequence[NodePool]) -> list[NodePool]:
    """The pools that the pods fit on, all of one kind of capacity; none if there are none."""
    allowed = [pool for pool in _allowed(need, pools) if not _misfits(need, pool)]
    for capacity in CHEAPEST_FIRST:
        if found := [pool for pool in allowed if pool.capacity == capacity]:
            return found
    return []


def pools_for(need: Need, pools: Sequence[NodePool], key: str) -> list[NodePool]:
    """The pools that the pods fit on. Raises pulumi.RunError where there are none, as `problems` tells it."""
    if found := problems(need, pools, key):
        raise pulumi.RunError("\n".join(found))
    return fitting_pools(need, pools)


def problems(need: Need, pools: Sequence[NodePool], key: str) -> list[str]:
    """Why no pool fits, each with the setting to change; none where one does.

    :param key: Where the pods' settings are: `trainyard:training.pods`.
    """
    if fitting_pools(need, pools):
        return []
    allowed = _allowed(need, pools)
    if not allowed:
        return [_no_pool(need, pools, key)]
    # A single field that no pool satisfies is what to change; else each pool fails by another one.
    hopeless = {field for field, _ in _misfits(need, allowed[0])}
    for pool in allowed[1:]:
        hopeless &= {field for field, _ in _misfits(need, pool)}
    if hopeless:
        return [_too_much(need, allowed, field, key) for field in sorted(hopeless)]
    each = "; ".join(f"{pool.name}: {', '.join(why for _, why in _misfits(need, pool))}" for pool in allowed)
    return [f"{key}: no pool fits all of it at once ({each}); ask for less, or add a pool"]


def _allowed(need: Need, pools: Sequence[NodePool]) -> list[NodePool]:
    """Pools with GPUs are for pods that use them; without GPUs, any capacity will do."""
    if not need.on_gpus:
        return [pool for pool in pools if not pool.gpus]
    return [
        pool
        for pool in pools
        if pool.gpus and need.pool in ("", pool.name) and need.capacity in ("cheapest", pool.capacity)
    ]


def _amounts(need: Need) -> list[tuple[str, float, Callable[[NodePool], float], str]]:
    """The fields of the settings with what is asked for, what a pool has, and the unit."""
    return [
        ("gpus", need.gpus, lambda pool: pool.gpus_of_pod, "GPUs a pod"),
        ("gpu_memory_gib", need.gpu_memory_gib, lambda pool: pool.gpu_memory_gib, "GiB of memory a GPU"),
        ("cpus", need.cpus, lambda pool: pool.cpus, "CPUs a node for pods"),
        ("memory_gib", need.memory_gib, lambda pool: pool.memory_gib, "GiB of memory a node for pods"),
        ("scratch_gib", need.scratch_gib, lambda pool: pool.scratch_gib, "GiB of disk a node for pods"),
        ("nodes", need.pods if need.one_node_each else 1, lambda pool: pool.max_nodes, "nodes"),
    ]


def _misfits(need: Need, pool: NodePool) -> list[tuple[str, str]]:
    """What is too much for a pool: the field, and what the pool has."""
    return [
        (field, f"{offered(pool):.4g} {unit}")
        for field, asked, offered, unit in _amounts(need)
        # Without GPUs there is no memory of theirs to ask for.
        if asked > offered(pool) and (need.on_gpus or field != "gpu_memory_gib")
    ]


def _too_much(need: Need, pools: Sequence[NodePool], field: str, key: str) -> str:
    asked, offered, unit = next((asked, has, unit) for name, asked, has, unit in _amounts(need) if name == field)
    best = max(pools, key=offered)
    return (
        f"{key}.{field} = {asked:g}: no pool can ever give that; the most is {offered(best):.4g} {unit} "
        f"(pool {best.name})"
    )


def _no_pool(need: Need, pools: Sequence[NodePool], key: str) -> str:
    with_gpus = [pool for pool in pools if pool.gpus]
    if not need.on_gpus:
        return f"{key}.gpus = 0: the stack has no pool without GPUs"
    if not with_gpus:
        field = f"gpus = {need.gpus}" if need.gpus else "mig_profile"
        return f"{key}.{field}: the stack has no pool with GPUs; add one, or run on CPUs"
    there = ", ".join(f"{pool.name} ({pool.capacity})" for pool in with_gpus)
    if need.pool and need.pool not in {pool.name for pool in with_gpus}:
        return f"{key}.pool = {need.pool}: no such pool with GPUs; there are {there}"
    return f"{key}.capacity = {need.capacity}: no pool with GPUs is bought so; there are {there}"
