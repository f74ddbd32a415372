"""What one run of a job costs on each pool of GPU nodes, and on each machine that has GPUs."""

from dataclasses import dataclass

from planning.cost.node_parts import Pool
from planning.cost.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a job costs on one pool of GPU nodes or on one machine."""

    pool: str
    nodes: int
    hours: float
    usd: float | None
    """US dollars; None where the price of its nodes is unknown."""
    note: str = ""


def run_on(pool: Pool, usage: Usage) -> Run | None:
    """What a run costs here; None where there is no GPU to run on."""
    nodes = int(min(usage.run_nodes, pool.most or 0.0))
    if not pool.has_gpu or not nodes:
        return None
    hours = usage.run_hours
    usd = hours * nodes * sum(part.usd_per_hour for part in pool.parts) if pool.priced else None
    short = nodes < usage.run_nodes
    return Run(
        pool=pool.name,
        nodes=nodes,
        hours=hours,
        usd=usd,
        note=f"the pool has {nodes} of the {usage.run_nodes} nodes of a run" if short else "",
    )
