"""Plans for many jobs: list scheduling from several orders, then local search over the order.

List scheduling takes jobs in an order and places each at the earliest time at which a node has room. Every order gives
a valid plan, and some order gives a shortest one. Kolisch and Hartmann, "Heuristic Algorithms for Solving the
Resource-Constrained Project Scheduling Problem" (1999): serial schedule generation. The same for the same seed.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from planning.jobs.bounds import shortest_makespan
from planning.jobs.model import Job, Workload
from planning.jobs.occupancy import Occupancy
from planning.jobs.schedule import Placement, Schedule, metrics_of

Cost = tuple[float, float, float]
"""What is made small, the first first: the makespan, the worst team's weighted mean wait, the mean wait; hours."""

MOST_PLACEMENTS = 40_000
"""Jobs that local search places in all, over all orders that it tries: a few seconds."""


def cost_of(workload: Workload, plan: Schedule) -> Cost:
    """How a plan compares, by estimated durations."""
    metrics = metrics_of(workload, plan, estimated=True)
    rounded = (metrics.makespan_hours, metrics.worst_team_wait_hours, metrics.mean_wait_hours)
    first, second, third = (round(each, 6) for each in rounded)
    return first, second, third


def place_in_order(workload: Workload, order: Sequence[Job]) -> Schedule:
    """The plan of an order, in which each job comes after those that it waits for."""
    occupancy = Occupancy(workload.nodes)
    ends: dict[str, float] = {}
    placements = []
    for job in order:
        ready = max([job.release_hours, *(ends[name] for name in job.after)])
        start, node = occupancy.earliest(job, job.estimated_hours, ready)
        ends[job.name] = start + job.estimated_hours
        occupancy.take(job, node, start, ends[job.name])
        placements.append(Placement(job=job.name, node=workload.nodes[node].name, start=start, end=ends[job.name]))
    return Schedule(tuple(sorted(placements, key=lambda each: (each.start, each.job))))


def plan_by_lists(workload: Workload, seed: int = 0, most_placements: int = MOST_PLACEMENTS) -> Schedule:
    """The best plan found. Stops early where its makespan is proven the shortest and nobody waits."""
    orders = [_sorted(workload, key) for key in _keys(workload)]
    plans = [(cost_of(workload, place_in_order(workload, order)), number) for number, order in enumerate(orders)]
    best_cost, number = min(plans)
    best = orders[number]
    goal = round(shortest_makespan(workload), 6)
    random = np.random.default_rng(seed)
    for _ in range(most_placements // len(workload.jobs)):
        if len(best) < 2 or (best_cost[0] <= goal and best_cost[2] == 0):
            break
        order = _moved(workload, best, random)
        cost = cost_of(workload, place_in_order(workload, order))
        if cost <= best_cost:
            best, best_cost = order, cost
    return place_in_order(workload, best)


def _keys(workload: Workload) -> list[Callable[[Job], tuple[float, ...]]]:
    """Orders to begin with: as handed in, longest chain behind, most work, widest, shortest, and teams in turn."""
    tails = _tails(workload)
    turns = _turns(workload)
    return [
        lambda job: (-job.priority, job.release_hours),
        lambda job: (-tails[job.name],),
        lambda job: (-job.gpus * job.estimated_hours,),
        lambda job: (-job.gpu_memory_gib, -job.gpus, -job.estimated_hours),
        lambda job: (job.estimated_hours,),
        lambda job: (turns[job.name],),
    ]


def _tails(workload: Workload) -> dict[str, float]:
    """Hours from each job's start to the end of the longest chain that begins with it."""
    tails: dict[str, float] = defaultdict(float)
    for job in reversed(workload.in_order):
        tails[job.name] += job.estimated_hours
        for name in job.after:
            tails[name] = max(tails[name], tails[job.name])
    return tails


def _turns(workload: Workload) -> dict[str, float]:
    """GPU hours, by weight, that a job's team has asked for up to and with it: teams then take turns."""
    asked: dict[str, float] = defaultdict(float)
    turns = {}
    for job in sorted(workload.jobs, key=lambda job: (-job.priority, job.release_hours)):
        asked[job.team] += job.gpus * job.estimated_hours / workload.weight_of(job.team)
        turns[job.name] = asked[job.team]
    return turns


def _sorted(workload: Workload, key: Callable[[Job], tuple[float, ...]]) -> list[Job]:
    """The jobs by a key, but each after those that it waits for."""
    ranks = {job.name: rank for rank, job in enumerate(sorted(workload.jobs, key=key))}
    blocks = {job.name: len(set(job.after)) for job in workload.jobs}
    ready = [(ranks[name], name) for name, count in blocks.items() if not count]
    heapq.heapify(ready)
    order: list[Job] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(workload.by_name[name])
        for follower in workload.followers[name]:
            blocks[follower] -= 1
            if not blocks[follower]:
                heapq.heappush(ready, (ranks[follower], follower))
    return order


def _moved(workload: Workload, order: Sequence[Job], random: np.random.Generator) -> list[Job]:
    """The order with one job moved, or two exchanged; then set right where a job came before one that it waits for."""
    moved = list(order)
    one, other = random.choice(len(moved), size=2, replace=False)
    if random.random() < 0.5:
        moved[one], moved[other] = moved[other], moved[one]
    else:
        moved.insert(other, moved.pop(one))
    ranks = {job.name: rank for rank, job in enumerate(moved)}
    return _sorted(workload, lambda job: (ranks[job.name],)) if any(job.after for job in moved) else moved
