"""The mixed-integer programme for a fleet of independent nodes, for finish times within an interval.

How long the fleet runs is itself to be chosen, and multiplies what is to be chosen otherwise. So the programme is
relaxed on an interval (T1, T2] of finish times, where its optimum is a bound on that of every fleet that finishes
there; `planning.fleet.search` divides the interval until bound and best fleet meet. What holds for every T in it:

- h ≤ n min(T2 - d, l): the n nodes of a candidate, idle for d hours of T and ended after l hours of work (flex-start),
  work at most so many hours;
- Σ r n (T2 - d) / (T2 - d0) ≥ 1 / (T - d0) with the least d0 of all d: all nodes at work from start to end have to be
  enough. 1 / (T - d0) is convex in T, so that each of its tangents may stand for it;
- a site that is not used does no work, and one that is does no more than all of it;
- prepaid nodes are paid for more than T1 hours, and for the hours in which they work or cannot work.

With the counts of a fleet fixed, all that is left is linear, T too: `settle` solves that exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog
from scipy.sparse import csr_array

from planning.fleet.problem import Numbers, Problem
from planning.solver import solve

Objective = Literal["cost", "time"] | int
"""What is least: the cost, the finish time, or the use of the limit on counts of that index in `Problem.limits`."""

_INFEASIBLE = 2
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The optimum of the relaxed programme."""

    bound: float
    """No fleet that finishes within the interval is better."""
    counts: NDArray[np.int64]
    hours: float
    """Its finish time: where the next tangents belong."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A fleet, with everything about it that is best for its counts."""

    counts: NDArray[np.int64]
    node_hours: Numbers
    """Hours of work of each candidate's nodes, all together, without starting."""
    hours: float
    """From now until the results are back."""
    usd: float
    value: float
    """What the objective makes of it."""


class _Rows:
    """Collects the rows of a sparse matrix."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.columns: list[Any] = []
        self.rows: list[Any] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, columns: Any, values: Any, low: float, high: float) -> None:
        columns = np.atleast_1d(columns)
        self.columns.append(columns)
        self.data.append(np.broadcast_to(values, columns.shape))
        self.rows.append(np.full(columns.shape, len(self.low)))
        self.low.append(low)
        self.high.append(high)

    def add_each(self, first: Any, first_values: Any, second: Any, second_values: Any, high: float) -> None:
        """One row for each pair of columns: both together at most `high`."""
        count = len(first)
        numbers = np.arange(len(self.low), len(self.low) + count)
        for columns, values in ((first, first_values), (second, second_values)):
            self.columns.append(columns)
            self.data.append(np.broadcast_to(values, (count,)))
            self.rows.append(numbers)
        self.low += [-np.inf] * count
        self.high += [high] * count

    def constraint(self, width: int) -> LinearConstraint:
        matrix = csr_array(
            (np.concatenate(self.data).astype(float), (np.concatenate(self.rows), np.concatenate(self.columns))),
            shape=(len(self.low), width),
        )
        return LinearConstraint(matrix, self.low, self.high)


def relax(
    problem: Problem,
    objective: Objective,
    interval: tuple[float, float],
    tangents_at: list[float],
    *,
    relative_gap: float,
    seconds: float,
) -> Relaxed | None:
    """The optimum of the programme for finish times within the interval; None where there is no fleet at all.

    :param tangents_at: Finish times at which 1 / (T - d) is touched.
    :param relative_gap: How far from the optimum HiGHS may stop; the bound holds nevertheless.
    :param seconds: After so long HiGHS stops with the bound that it has.
    """
    start, end = interval
    count, sites = len(problem.candidates), len(problem.sites)
    useful = problem.dead < end
    n = np.arange(count)
    # Hours of work over the hours that one node has: numbers of the size of the counts.
    busy = n + count
    y = np.arange(2 * count, 2 * count + sites)
    site_hours = y + sites
    hours = 2 * count + 2 * sites
    prepaid = np.flatnonzero(problem.prepaid)
    paid = hours + 1 + np.arange(len(prepaid))
    width = hours + 1 + len(prepaid)

    free = problem.working_hours(end)
    most = np.where(useful, _useful_counts(problem, start), 0)
    rows = _Rows()
    rows.add_each(busy, 1.0, n, -1.0, 0.0)
    if not problem.work.one_region:
        rows.add_each(n, 1.0, y[problem.site], -most, 0.0)
    share = problem.rate * free
    rows.add(busy, share, 1.0, np.inf)
    for site in range(sites):
        members = np.flatnonzero(problem.site == site)
        rows.add([*busy[members], y[site]], [*share[members], -1.0], -np.inf, 0.0)
    for weights, limit in zip(problem.weights, problem.limits, strict=True):
        if np.isfinite(limit) and weights.any():
            rows.add(n, weights, -np.inf, limit)
    for group in problem.groups:
        rows.add(busy[group], share[group], -np.inf, problem.work.max_share)
    _add_sites(rows, problem, y, site_hours, hours, interval)
    _add_tangents(rows, problem, n, y, site_hours, hours, [*(at for at in tangents_at if start < at < end), start, end])

    # Paid hours of prepaid nodes, in units of the hours that one node has.
    unit = np.maximum(free, 1e-6)
    # The interval is open at its start: where time comes in blocks, the next one has begun.
    least = np.array([problem.paid_hours(int(number), start * (1 + 1e-7)) for number in prepaid])
    rows.add_each(n[prepaid], least / unit[prepaid], paid, -1.0, 0.0)
    for number, column in zip(prepaid, paid, strict=True):
        values = [free[number] / unit[number], problem.dead[number] / unit[number], -1.0]
        rows.add([busy[number], n[number], column], values, -np.inf, 0.0)
    cost = np.zeros(width)
    cost[busy] = np.where(problem.prepaid, 0.0, problem.price * free)
    cost[n] = np.where(problem.prepaid, 0.0, problem.price * problem.work.startup_hours)
    cost[paid] = problem.price[prepaid] * unit[prepaid]
    cost[y] = problem.site_usd
    cost[site_hours] = problem.site_usd_per_hour
    if problem.work.budget_usd is not None:
        rows.add(np.arange(width), cost / problem.work.budget_usd, -np.inf, 1.0)
    aim = cost if objective == "cost" else np.zeros(width)
    if objective == "time":
        aim[hours] = 1.0
    elif objective != "cost":
        aim[n] = problem.weights[objective]

    integrality = np.zeros(width)
    integrality[n] = 1
    integrality[y] = 1
    upper = np.concatenate([most, most, np.ones(sites), np.full(sites + 1, end), np.full(len(prepaid), np.inf)])
    lower = np.zeros(width)
    lower[hours] = start
    found = solve(
        aim,
        integrality=integrality,
        bounds=Bounds(lower, upper),
        constraints=rows.constraint(width),
        options={"mip_rel_gap": relative_gap, "time_limit": seconds, "presolve": True},
    )
    if found.status == _INFEASIBLE:
        return None
    if found.x is None:
        return Relaxed(found.mip_dual_bound if found.mip_dual_bound is not None else -np.inf, np.zeros(count, int), end)
    bound = found.mip_dual_bound if found.mip_dual_bound is not None else found.fun
    counts = np.rint(np.where(found.x[y][problem.site] > _HALF, found.x[n], 0.0)).astype(np.int64)
    return Relaxed(float(bound), counts, float(found.x[hours]))


def _useful_counts(problem: Problem, start: float) -> Numbers:
    """Most nodes of each candidate that a fleet which finishes at `start` or later has use for."""
    free = np.maximum(problem.working_hours(start), 1e-9)
    alone = np.ceil(np.minimum(1 / (problem.rate * free), 1e9) + 1e-9)
    return np.minimum(problem.most, np.maximum(alone, 1.0))


def _add_sites(
    rows: _Rows, problem: Problem, y: Any, site_hours: Any, hours: int, interval: tuple[float, float]
) -> None:
    """A used site is there for all of the time, an unused one for none of it."""
    start, end = interval
    rows.add_each(site_hours, 1.0, y, -end, 0.0)
    rows.add_each(y, start, site_hours, -1.0, 0.0)
    if problem.work.one_region:
        rows.add(y, 1.0, 1.0, 1.0)
        rows.add([*site_hours, hours], [1.0] * len(site_hours) + [-1.0], 0.0, 0.0)
        return
    rows.add(y, 1.0, 1.0, np.inf)
    for used, its_hours in zip(y, site_hours, strict=True):
        rows.add([its_hours, hours], [1.0, -1.0], -np.inf, 0.0)
        rows.add([its_hours, hours, used], [1.0, -1.0, -end], -end, np.inf)


def _add_tangents(
    rows: _Rows, problem: Problem, n: Any, y: Any, site_hours: Any, hours: int, touched: list[float]
) -> None:
    """1 / (T - d0) from below; in one region each site has its own d0, else the least one has to do for all."""
    scale = problem.rate.max(initial=1e-30)
    if not problem.work.one_region:
        everywhere = np.arange(len(problem.candidates))
        rate, dead = _rates(problem, everywhere, max(touched))
        for at in _apart(touched, dead):
            slope = 1 / (at - dead) ** 2
            rows.add([*n, hours], [*(rate / scale), slope / scale], (1 / (at - dead) + slope * at) / scale, np.inf)
        return
    for site in range(len(problem.sites)):
        members = np.flatnonzero(problem.site == site)
        rate, dead = _rates(problem, members, max(touched))
        for at in _apart(touched, dead):
            slope = 1 / (at - dead) ** 2
            columns = [*n[members], site_hours[site], y[site]]
            values = [*rate, slope, -(1 / (at - dead) + slope * at)]
            rows.add(columns, np.array(values) / scale, 0.0, np.inf)


def _rates(problem: Problem, members: NDArray[np.int64], end: float) -> tuple[Numbers, float]:
    """Σ r n (T - d) ≥ 1 with one d0 for all: the rates that do for every T up to `end`, and d0.

    (T - d) / (T - d0) is largest at the end, for every d above d0.
    """
    dead = float(problem.dead[members].min())
    if end <= dead:
        return problem.rate[members], dead
    return problem.rate[members] * np.clip((end - problem.dead[members]) / (end - dead), 0.0, 1.0), dead


def _apart(touched: list[float], dead: float) -> list[float]:
    return sorted({at for at in touched if at - dead > 1e-3 * (max(touched) - dead)})


def settle(problem: Problem, objective: Objective, counts: NDArray[np.int64]) -> Settled | None:
    """The best that can be made of a fleet with these counts, without nodes that it has no use for.

    None where it cannot do the work within deadline, budget and shares.
    """
    best: Settled | None = None
    counts = counts.copy()
    while True:
        settled = _settle(problem, objective, counts)
        if settled is None or (best is not None and settled.value > best.value + 1e-12 * abs(best.value)):
            return best
        best = settled
        with np.errstate(divide="ignore", invalid="ignore"):
            each = problem.working_hours(settled.hours)
            needed = np.where(counts > 0, np.ceil(settled.node_hours / each - 1e-7), 0)
        fewer = np.minimum(counts, np.nan_to_num(needed)).astype(np.int64)
        if (fewer == counts).all() or problem.prepaid[fewer < counts].any():
            return best
        counts = fewer


def _settle(problem: Problem, objective: Objective, counts: NDArray[np.int64]) -> Settled | None:
    chosen = np.flatnonzero(counts)
    if not len(chosen):
        return None
    deadline, budget = problem.work.deadline_hours, problem.work.budget_usd
    block = max(problem.candidates[number].block_hours for number in chosen)
    if not block:
        return _settle_until(problem, objective, counts, chosen, deadline, budget)
    # Time that is sold in blocks makes the cost jump: each number of blocks is a case of its own. Prepaid cost is
    # linear in that number, and the optimum of a linear programme is convex in its limits: so the least cost is convex
    # in it, from the first one in which the work can be done, and halving finds the best one.
    soonest = _settle_until(problem, "time", counts, chosen, deadline, None)
    if soonest is None:
        return None
    ends = [block * number for number in range(math.ceil(soonest.hours / block - 1e-9), int(deadline / block) + 1)]
    if not ends or ends[-1] < deadline:
        ends.append(deadline)
    cheapest = cache(lambda place: _settle_until(problem, "cost", counts, chosen, ends[place], None))

    def usd(place: int) -> float:
        settled = cheapest(place)
        return math.inf if settled is None else settled.usd

    best = _first_place(len(ends) - 1, lambda place: usd(place) < math.inf and usd(place) <= usd(place + 1))
    if objective == "time":
        # The earliest end is in the first block for which the money is enough.
        best = _first_place(best, lambda place: usd(place) < math.inf and (budget is None or usd(place) <= budget))
    return _settle_until(problem, objective, counts, chosen, ends[best], budget)


def _first_place(last: int, holds: Callable[[int], bool]) -> int:
    """The first place from 0 to `last` where something holds that then holds until `last`, which is not asked."""
    first = 0
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if holds(middle) else (middle + 1, last)
    return first


def _settle_until(
    problem: Problem,
    objective: Objective,
    counts: NDArray[np.int64],
    chosen: NDArray[np.int64],
    end: float,
    budget: float | None,
) -> Settled | None:
    """The linear programme in node-hours and finish time, for finish times up to `end` within the budget."""
    number = counts[chosen].astype(float)
    dead, rate = problem.dead[chosen], problem.rate[chosen]
    if end <= dead.max():
        return None
    used = np.unique(problem.site[chosen])
    fixed = float(problem.site_usd[used].sum())
    per_hour = float(problem.site_usd_per_hour[used].sum())
    hourly = np.zeros(len(chosen))
    for place, candidate in enumerate(chosen):
        price = problem.price[candidate]
        if not problem.prepaid[candidate]:
            hourly[place] = price
            fixed += price * number[place] * problem.work.startup_hours
        elif problem.candidates[candidate].block_hours:
            fixed += price * number[place] * problem.paid_hours(int(candidate), end)
        else:
            per_hour += price * number[place]
    cost = np.append(hourly, per_hour)
    scale = rate.max()
    above = [np.append(np.eye(len(chosen))[place], -number[place]) for place in range(len(chosen))]
    limits = list(-number * dead)
    above.append(np.append(-rate / scale, 0.0))
    limits.append(-1.0 / scale)
    for group in problem.groups:
        above.append(np.append(np.where(np.isin(chosen, group), rate, 0.0) / scale, 0.0))
        limits.append(problem.work.max_share / scale)
    if budget is not None:
        above.append(cost)
        limits.append(budget - fixed)
    aim = cost if objective != "time" else np.append(np.zeros(len(chosen)), 1.0)
    longest = number * problem.longest[chosen]
    bounds = [*((0.0, most) for most in longest), (float(dead.max()), end)]
    found = linprog(aim, A_ub=np.array(above), b_ub=limits, bounds=bounds, method="highs")
    if found.status != 0:
        return None
    node_hours = np.zeros(len(counts))
    node_hours[chosen] = np.maximum(found.x[:-1], 0.0)
    hours = float(found.x[-1])
    usd = float(fixed + cost @ found.x)
    if isinstance(objective, int):
        value = float(problem.weights[objective] @ counts)
    else:
        value = usd if objective == "cost" else hours
    return Settled(counts, node_hours, hours, usd, value)
