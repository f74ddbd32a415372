"""Fleets of one candidate only, of every possible size at once.

That is all there is to try for a synchronous job, whose nodes are alike. For independent work it is what a mixed fleet
has to beat: SkyPilot's optimiser, for one, chooses a single resource type for a task.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from planning.fleet.candidates import rework_at
from planning.fleet.problem import Numbers, Problem

Aim = Literal["cost", "time"]


@dataclass(frozen=True)
class UniformFleets:
    """One row a candidate, one column a number of nodes (the first one for a single node); NaN where impossible."""

    hours: Numbers
    """From now until the results are back."""
    usd: Numbers
    node_hours: Numbers
    """Hours that the nodes work, all together, without those in which they start."""

    def best(self, aim: Aim) -> tuple[int, int] | None:
        """Candidate and number of nodes with the least cost or the least time; of equal ones the cheaper or sooner."""
        if not self.hours.size or np.isnan(self.hours).all():
            return None
        first, second = (self.usd, self.hours) if aim == "cost" else (self.hours, self.usd)
        least = np.nanmin(first)
        ties = np.where(first <= least * (1 + 1e-12), second, np.nan)
        row, column = np.unravel_index(int(np.nanargmin(ties)), ties.shape)
        return int(row), int(column) + 1


def uniform_fleets(problem: Problem) -> UniformFleets:
    """Time and cost of every fleet of one candidate that keeps to deadline, budget, quotas and shares."""
    work = problem.work
    most = int(problem.most.max(initial=0))
    nodes = np.arange(1, most + 1, dtype=float)
    if not problem.candidates or not most:
        empty = np.empty((len(problem.candidates), 0))
        return UniformFleets(empty, empty, empty)
    speed = _shares_per_hour(problem, nodes)
    # So many nodes of a synchronous job may be interrupted so often that it never ends.
    with np.errstate(divide="ignore", over="ignore"):
        working = 1 / speed
    hours = problem.dead[:, None] + working
    startup = np.where(problem.prepaid, 0.0, work.startup_hours)[:, None]
    paid = nodes * (startup + working)
    for number in np.flatnonzero(problem.prepaid):
        paid[number] = nodes * [problem.paid_hours(int(number), each) for each in hours[number]]
    with np.errstate(invalid="ignore"):
        around = problem.site_usd[problem.site][:, None] + problem.site_usd_per_hour[problem.site][:, None] * hours
    usd = problem.price[:, None] * paid + around
    possible = (nodes <= problem.most[:, None]) & (hours <= work.deadline_hours * (1 + 1e-12))
    possible &= working <= problem.longest[:, None] * (1 + 1e-12)
    if work.budget_usd is not None:
        possible &= usd <= work.budget_usd * (1 + 1e-12)
    if work.max_share < 1:
        possible[:] = False
    return UniformFleets(
        np.where(possible, hours, np.nan), np.where(possible, usd, np.nan), np.where(possible, nodes * working, np.nan)
    )


def _shares_per_hour(problem: Problem, nodes: Numbers) -> Numbers:
    """Share of the work that fleets of so many nodes do in an hour, for each candidate."""
    work = problem.work
    if work.coupling == "independent":
        return problem.rate[:, None] * nodes
    speedups = np.array([work.speedup(int(each)) for each in nodes])
    useful = np.array([each.useful_share_per_hour for each in problem.candidates])
    hazards = np.array([each.interruptions_per_hour for each in problem.candidates])
    # A job stops when any of its nodes is taken away: hazards add up.
    multiplier = {
        hazard: np.array([rework_at(work, float(hazard * each)).multiplier for each in nodes])
        for hazard in np.unique(hazards)
    }
    return useful[:, None] * speedups / np.array([multiplier[hazard] for hazard in hazards])
