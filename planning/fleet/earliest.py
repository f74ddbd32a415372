"""The earliest end within a budget: what is cheapest by one deadline after another, until they enclose the earliest.

That a fleet ends by a deadline and keeps to the budget is a question about the least cost by that deadline, which is
answered as soon as a fleet is found that is cheap enough, or as soon as the bound shows that none can be: to within the
tolerance, so that a fleet which costs all but a thousandth of the budget may be missed.
"""

import math
import time

import numpy as np

from planning.fleet.problem import Problem
from planning.fleet.programme import Settled, settle
from planning.fleet.search import MOST_SECONDS, TOLERANCE, Found, search


def search_earliest(problem: Problem, *, tolerance: float = TOLERANCE, seconds: float = MOST_SECONDS) -> Found | None:
    """The fleet with the earliest end; None where none does the work within the limits.

    The bound holds for a budget that is smaller by the tolerance. With the time used up, the answer is the best one so
    far, and its bound what has been shown until then.
    """
    budget = problem.work.budget_usd
    if budget is None:
        return search(problem, "time", tolerance=tolerance, seconds=seconds)
    stop_at = time.monotonic() + seconds
    best = _ends_by(problem, problem.work.deadline_hours, budget, tolerance, stop_at)
    if best is None:
        return None
    shown = untried = problem.earliest
    while best.hours - untried > tolerance * best.hours and time.monotonic() < stop_at:
        middle = math.sqrt(max(untried, 1e-6) * best.hours) if untried < best.hours / 4 else (untried + best.hours) / 2
        earlier = _ends_by(problem, middle, budget, tolerance, stop_at)
        if earlier is not None and earlier.hours < best.hours:
            best = earlier
            continue
        untried = middle
        if earlier is None and time.monotonic() < stop_at:
            shown = middle
    return Found(best, min(shown, best.hours))


def _ends_by(problem: Problem, hours: float, budget: float, tolerance: float, stop_at: float) -> Settled | None:
    """The earliest end of a fleet that ends by then and keeps to the budget; None where there is none."""
    hurried = problem.work.but(deadline_hours=hours, budget_usd=None)
    found = search(
        Problem(hurried, problem.candidates, problem.sites),
        "cost",
        tolerance=tolerance,
        seconds=max(stop_at - time.monotonic(), 0.1),
        enough=budget,
    )
    if found is None or found.fleet.usd > budget:
        return None
    return settle(problem, "time", np.asarray(found.fleet.counts))
