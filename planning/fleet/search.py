"""Branch and bound over the finish time: the best fleet of independent nodes, with a bound on how good any could be.

Each step takes the interval of finish times with the least bound, solves the relaxed programme there (HiGHS branches on
the integers), makes the best of the counts that it found, and divides the interval there, until no interval can hold
anything that is better by more than the tolerance. Spatial branch and bound, in one dimension: R. Horst and H. Tuy,
"Global Optimization" (1996), chapter IV.
"""

import dataclasses
import heapq
import itertools
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.fleet.problem import Problem
from planning.fleet.programme import Objective, Settled, relax, settle
from planning.fleet.site_bounds import site_bounds
from planning.fleet.uniform import Aim, uniform_fleets

TOLERANCE = 1e-3
"""How far, as a share, the answer may be from the bound."""
MOST_SECONDS = 60.0
"""After so long the search ends with what it has; the gap then says how far it came."""
_MOST_TANGENTS = 3
"""So often an interval is solved anew with the tangent that was missing, before it is divided."""
_NARROW = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """The best fleet, and how good any could be."""

    fleet: Settled
    bound: float

    @property
    def gap(self) -> float:
        """How much better than the answer the optimum could be, as a share of the answer; 0: it is optimal."""
        value = self.fleet.value
        return max(0.0, (value - self.bound) / value) if value else 0.0


def search(
    problem: Problem,
    objective: Objective,
    *,
    tolerance: float = TOLERANCE,
    seconds: float = MOST_SECONDS,
    seeds: Iterable[NDArray[np.int64]] = (),
    enough: float | None = None,
) -> Found | None:
    """The best fleet; None where none does the work within the limits, or the time was too short to find one.

    :param seeds: Counts of fleets to begin with.
    :param enough: A value that any fleet may do with: the search ends with the first one that is as good, or as soon
        as none can be better than that by the tolerance.
    """
    if not problem.candidates or problem.earliest > problem.work.deadline_hours:
        return None
    stop_at = time.monotonic() + seconds
    count = len(problem.candidates)
    best = _first(problem, objective, seeds)
    dropped = math.inf
    kept = np.arange(count)
    if objective == "cost":
        limit = min(_worth(best, tolerance), math.inf if enough is None else enough)
        problem, kept, dropped = _promising(problem, limit)
    waiting: list[tuple[float, int, float, float, int]] = []
    order = itertools.count()
    tangents: list[float] = []
    if problem.candidates:
        deadline = problem.work.deadline_hours
        waiting.append((0.0, next(order), problem.earliest * (1 - 1e-6), deadline, 0))
        tangents = _spread(problem.earliest, deadline)
    while waiting and not _is_settled(best, waiting[0][0], enough, tolerance):
        left = stop_at - time.monotonic()
        if left <= 0:
            break
        bound, _, start, end, tries = heapq.heappop(waiting)
        if objective == "time":
            bound, end = max(bound, start), min(end, math.inf if best is None else best.hours)
        if bound >= _worth(best, tolerance):
            dropped = min(dropped, bound)
            continue
        relaxed = relax(problem, objective, (start, end), tangents, relative_gap=tolerance / 4, seconds=max(left, 0.1))
        if relaxed is None:
            continue
        before, bound = bound, max(bound, relaxed.bound)
        settled = settle(problem, objective, relaxed.counts)
        if settled is not None and (best is None or settled.value < best.value):
            best = _among_all(settled, kept, count)
        if bound >= _worth(best, tolerance) or end - start < _NARROW:
            dropped = min(dropped, bound)
            continue
        at = relaxed.hours
        is_new = all(abs(at - other) > 1e-7 * other for other in [*tangents, start, end])
        gained = tries == 0 or bound - before > tolerance / 2 * abs(bound)
        if is_new and gained and tries < _MOST_TANGENTS:
            tangents.append(at)
            heapq.heappush(waiting, (bound, next(order), start, end, tries + 1))
            continue
        middle = _between(problem, start, end, settled.hours if settled is not None else at)
        heapq.heappush(waiting, (bound, next(order), start, middle, 0))
        heapq.heappush(waiting, (bound, next(order), middle, end, 0))
    if best is None:
        return None
    return Found(best, min([dropped, best.value, *(each[0] for each in waiting)]))


def _first(problem: Problem, objective: Objective, seeds: Iterable[NDArray[np.int64]]) -> Settled | None:
    """The best of the given fleets and of those of one candidate."""
    counts = list(seeds)
    aim: Aim = "time" if objective == "time" else "cost"
    single = uniform_fleets(problem).best(aim)
    if single is not None:
        alone = np.zeros(len(problem.candidates), np.int64)
        alone[single[0]] = single[1]
        counts.append(alone)
    settled = [settle(problem, objective, each) for each in counts]
    return min((each for each in settled if each is not None), key=lambda each: each.value, default=None)


def _worth(best: Settled | None, tolerance: float) -> float:
    """What a fleet has to be better than for the search to go on."""
    return math.inf if best is None else best.value - tolerance * abs(best.value)


def _is_settled(best: Settled | None, bound: float, enough: float | None, tolerance: float) -> bool:
    """Whether it is known if there is a fleet that is good enough."""
    if enough is None:
        return False
    return bound > enough * (1 - tolerance) or (best is not None and best.value <= enough)


def _promising(problem: Problem, limit: float) -> tuple[Problem, NDArray[np.int64], float]:
    """The problem without the sites where no fleet costs less than the limit; which candidates are left; and the least
    bound of what is left out."""
    bounds = site_bounds(problem)
    kept = np.flatnonzero((bounds < limit)[problem.site])
    return problem.only(kept), kept, float(bounds[bounds >= limit].min(initial=math.inf))


def _among_all(fleet: Settled, kept: NDArray[np.int64], count: int) -> Settled:
    """The same fleet with the counts of all candidates, those left out among them."""
    counts, node_hours = np.zeros(count, np.int64), np.zeros(count)
    counts[kept], node_hours[kept] = fleet.counts, fleet.node_hours
    return dataclasses.replace(fleet, counts=counts, node_hours=node_hours)


def _spread(start: float, end: float) -> list[float]:
    """Finish times for the first tangents: the curve bends most at its beginning."""
    return [start + (end - start) * 0.5**power for power in range(1, 7)]


def _between(problem: Problem, start: float, end: float, at: float) -> float:
    """Where to divide: where prepaid time ends, for the cost jumps there; else at `at`, away from the ends."""
    for block in {each.block_hours for each in problem.candidates} - {0.0}:
        first, last = math.floor(start / block * (1 + 1e-9)) + 1, math.ceil(end / block * (1 - 1e-9)) - 1
        if first <= last:
            return block * max(first, min(last, round(at / block)))
    margin = 0.1 * (end - start)
    return at if start + margin <= at <= end - margin else (start + end) / 2
