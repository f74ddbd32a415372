"""Gives every shard to one worker: equal loads, and as much as possible read from near by.

A transport problem: shards that cost every worker the same are one source, each worker is a sink that takes the whole
part of shards / workers or one more. Its matrix is totally unimodular, so the corners of the linear programme are whole
numbers (Hoffman and Kruskal, "Integral Boundary Points of Convex Polyhedra", 1956) and the dual simplex method of HiGHS
ends in one: the answer is the cheapest there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.data.placement import Placement
from planning.errors import PlanningError
from planning.quantities import at_least

Costs = NDArray[np.float64]

MOST_VARIABLES = 2_000_000
"""Different rows of costs times workers: beyond this the programme would take minutes and gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What reads shards."""

    name: str
    domain: str
    """The failure domain whose nodes are near to it, or the name of a node that it runs on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignment:
    """Which worker reads which shard."""

    worker_of: NDArray[np.int32]
    """For every shard the place of its worker."""
    cost: float
    """What all shards cost together, in the unit of the costs."""
    loads: tuple[int, ...]
    """Shards of each worker."""


def distant_bytes(placement: Placement, workers: Sequence[Worker], shard_bytes: Sequence[float]) -> Costs:
    """For every shard (row) and worker (column) the bytes that come from afar: none if a holder is near.

    Raises PlanningError for workers without a name, twice the same, or shards of no size that makes sense.
    """
    names = [worker.name for worker in workers]
    problems = [
        f"worker {name!r}: is there more than once" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    problems += ["workers = none: must be one or more"] if not workers else []
    if len(shard_bytes) != len(placement.chosen):
        problems.append(f"shard sizes = {len(shard_bytes)}: must be as many as shards, {len(placement.chosen)}")
    if problems:
        raise PlanningError.of(problems)
    for size in set(shard_bytes):
        at_least("bytes of a shard", size, 0.0)
    near = np.array(
        [[worker.domain in (node.domain, node.name) for worker in workers] for node in placement.nodes], dtype=bool
    )
    local = np.asarray(near[placement.chosen].any(axis=1))
    return np.where(local, 0.0, np.asarray(shard_bytes, dtype=np.float64)[:, None])


def assign_shards(costs: Costs) -> Assignment:
    """The cheapest assignment of every shard (row) to one worker (column), loads within one of each other.

    Raises PlanningError for costs that are not finite, for none, and for more than can be solved.
    """
    costs = np.asarray(costs, dtype=np.float64)
    if costs.ndim != 2 or not costs.size:
        raise PlanningError("costs: must have a row for each shard and a column for each worker, one or more of both")
    if not np.isfinite(costs).all():
        raise PlanningError("costs: must all be finite numbers")
    rows, group_of = np.unique(costs, axis=0, return_inverse=True)
    if rows.size > MOST_VARIABLES:
        raise PlanningError(
            f"costs: {len(rows):,} different rows for {costs.shape[1]:,} workers are more than can be solved "
            f"({MOST_VARIABLES:,} together); group the shards, or the workers by zone"
        )
    group_of = group_of.reshape(-1)
    flows = _flows(rows, np.bincount(group_of, minlength=len(rows)), len(costs))
    worker_of = np.empty(len(costs), dtype=np.int32)
    for group, members in enumerate(_members(group_of, len(rows))):
        worker_of[members] = np.repeat(np.arange(costs.shape[1]), flows[group])
    loads = np.bincount(worker_of, minlength=costs.shape[1])
    return Assignment(
        worker_of=worker_of,
        cost=float(costs[np.arange(len(costs)), worker_of].sum()),
        loads=tuple(int(load) for load in loads),
    )


def _flows(rows: Costs, supplies: NDArray[np.int64], shards: int) -> NDArray[np.int64]:
    """How many shards of each group go to each worker."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, kron, vstack

    groups, workers = rows.shape
    if workers == 1:
        return supplies[:, None]
    least = shards // workers
    most = least + (1 if shards % workers else 0)
    ones_of_workers, ones_of_groups = csr_array(np.ones((1, workers))), csr_array(np.ones((1, groups)))
    by_group = kron(eye_array(groups), ones_of_workers, format="csr")
    by_worker = kron(ones_of_groups, eye_array(workers), format="csr")
    # Costs of about 1, so that the solver's tolerances mean the same for bytes and for dollars.
    scale = float(np.abs(rows).max()) or 1.0
    answer = linprog(
        (rows / scale).ravel(),
        A_eq=by_group,
        b_eq=supplies,
        A_ub=vstack([by_worker, -by_worker], format="csr"),
        b_ub=np.concatenate([np.full(workers, most), np.full(workers, -least)]),
        method="highs-ds",
    )
    if not answer.success:
        raise PlanningError(f"costs: the solver gave up ({answer.message})")
    flows = np.rint(answer.x).astype(np.int64).reshape(groups, workers)
    loads = flows.sum(axis=0)
    if (flows.sum(axis=1) != supplies).any() or loads.min() < least or loads.max() > most:
        raise PlanningError("costs: the solver's answer is no whole assignment; the costs may differ by too much")
    return flows


def _members(group_of: NDArray[np.intp], groups: int) -> list[NDArray[np.intp]]:
    """The shards of each group, in their order."""
    order = np.argsort(group_of, kind="stable")
    return np.split(order, np.cumsum(np.bincount(group_of, minlength=groups))[:-1])
