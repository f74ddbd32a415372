"""Which sites a fleet can be the cheapest in: a bound for each that needs no solver, so that few are left for it.

What every fleet pays at least is the sum of three things:

- its hours of work, each candidate taken until its limit on counts allows no more, the cheapest first: the fractional
  covering knapsack (G. Dantzig, "Discrete-variable extremum problems", Operations Research 5 (1957));
- the starting of its nodes, which have to be the more the earlier it ends, and the hours of its sites, which are the
  more the later it ends: s ρ / (T - d) + f T with the least price ρ of work, at the best T;
- what its sites cost once.

A fleet that uses a site is there alone, or pays for another site too.
"""

import math

import numpy as np
from numpy.typing import NDArray

from planning.fleet.problem import Numbers, Problem


def site_bounds(problem: Problem) -> Numbers:
    """US dollars that every fleet costs at least which uses a site; infinite where no such fleet does the work."""
    everywhere = np.arange(len(problem.candidates))
    bounds = np.empty(len(problem.sites))
    for site in range(len(problem.sites)):
        once, hourly = float(problem.site_usd[site]), float(problem.site_usd_per_hour[site])
        bounds[site] = once + _least_usd(problem, np.flatnonzero(problem.site == site), hourly)
        others = np.arange(len(problem.sites)) != site
        if not problem.work.one_region and others.any():
            once += float(problem.site_usd[others].min())
            hourly += float(problem.site_usd_per_hour[others].min())
            bounds[site] = min(bounds[site], once + _least_usd(problem, everywhere, hourly))
    return bounds


def _least_usd(problem: Problem, members: NDArray[np.int64], hourly: float) -> float:
    """What a fleet of these candidates costs at least whose sites cost so much an hour."""
    work = problem.work
    free = problem.working_hours(work.deadline_hours)[members]
    usd = problem.price[members] / problem.rate[members]
    possible = np.minimum(problem.most[members] * free * problem.rate[members], 1.0)
    order = np.argsort(usd)
    before = np.cumsum(possible[order]) - possible[order]
    taken = np.clip(1.0 - before, 0.0, possible[order])
    if taken.sum() < 1 - 1e-9:
        return math.inf
    dead = float(problem.dead[members].min())
    # Prepaid nodes do not pay for starting, but for all of the time, in which they start too.
    starting = work.startup_hours * float(usd.min())
    working = work.deadline_hours - dead
    if hourly > 0:
        working = min(working, math.sqrt(starting / hourly))
    return float(taken @ usd[order]) + starting / working + hourly * (dead + working)
