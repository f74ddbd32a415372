"""The best fleet for a piece of work: the least expected cost, or the earliest end within a budget."""

from dataclasses import dataclass, field

import numpy as np

from planning.fleet.candidates import Market, find_candidates
from planning.fleet.earliest import search_earliest
from planning.fleet.plan import FleetPlan, NoFleet, describe
from planning.fleet.problem import Problem
from planning.fleet.programme import Settled
from planning.fleet.search import MOST_SECONDS, TOLERANCE, Found, search
from planning.fleet.uniform import Aim, UniformFleets, uniform_fleets
from planning.fleet.work import Work
from planning.prices.book import PriceBook

_SECOND_STAGE = 1e-6
"""How much later than the earliest end the cheapest fleet that ends so early may end, as a share."""


@dataclass(frozen=True)
class Chosen:
    """The answer with what it was chosen from."""

    problem: Problem
    found: Found
    market: Market = field(repr=False)

    @property
    def plan(self) -> FleetPlan:
        """The answer in words and figures."""
        return describe(
            self.problem,
            self.found.fleet,
            bound=self.found.bound,
            gap=self.found.gap,
            left_out=self.market.left_out,
        )


def plan_fleet(
    work: Work, book: PriceBook, *, aim: Aim = "cost", tolerance: float = TOLERANCE, seconds: float = MOST_SECONDS
) -> FleetPlan:
    """The best fleet.

    :param aim: `cost`: the least expected cost by the deadline, within the budget if there is one. `time`: the earliest
        expected end within the budget; of the fleets that end then, the cheapest.
    :param tolerance: How far, as a share, the answer may be from the best; its gap says how far it is at most.
    :param seconds: After so long the answer is the best one found so far.

    Raises NoFleet where none does the work within the limits, PlanningError for names that the book does not have.
    """
    chosen = choose(work, book, aim=aim, tolerance=tolerance, seconds=seconds)
    if chosen is None:
        raise NoFleet("no fleet does this work within its limits")
    return chosen.plan


def choose(
    work: Work, book: PriceBook, *, aim: Aim = "cost", tolerance: float = TOLERANCE, seconds: float = MOST_SECONDS
) -> Chosen | None:
    """As `plan_fleet`, but None where there is no fleet. Raises PlanningError for names that the book does not have."""
    market = find_candidates(work, book)
    problem = Problem.of(work, market)
    if work.coupling == "synchronous":
        found = best_uniform(problem, aim)
    else:
        if aim == "cost":
            found = search(problem, aim, tolerance=tolerance, seconds=seconds)
        else:
            found = search_earliest(problem, tolerance=tolerance, seconds=seconds)
        if aim == "time" and found is not None:
            found = _cheapest_of_the_fastest(problem, found, tolerance, seconds)
    return None if found is None else Chosen(problem, found, market)


def best_uniform(problem: Problem, aim: Aim) -> Found | None:
    """The best fleet of one candidate; all of them are tried, so that nothing is left to be better."""
    fleets = uniform_fleets(problem)
    best = fleets.best(aim)
    if best is None:
        return None
    fleet = _as_fleet(problem, fleets, *best, aim=aim)
    return Found(fleet, fleet.value)


def _as_fleet(problem: Problem, fleets: UniformFleets, number: int, nodes: int, *, aim: Aim) -> Settled:
    counts = np.zeros(len(problem.candidates), np.int64)
    counts[number] = nodes
    node_hours = np.zeros(len(counts))
    node_hours[number] = fleets.node_hours[number, nodes - 1]
    hours, usd = float(fleets.hours[number, nodes - 1]), float(fleets.usd[number, nodes - 1])
    return Settled(counts, node_hours, hours, usd, usd if aim == "cost" else hours)


def _cheapest_of_the_fastest(problem: Problem, fastest: Found, tolerance: float, seconds: float) -> Found:
    """Many fleets may end equally early; a fleet that only cares for time would waste money."""
    deadline = min(problem.work.deadline_hours, fastest.fleet.hours * (1 + _SECOND_STAGE))
    hurried = Problem(problem.work.but(deadline_hours=deadline), problem.candidates, problem.sites)
    cheapest = search(hurried, "cost", tolerance=tolerance, seconds=seconds, seeds=[fastest.fleet.counts])
    if cheapest is None:
        return fastest
    fleet = cheapest.fleet
    return Found(Settled(fleet.counts, fleet.node_hours, fleet.hours, fleet.usd, fleet.hours), fastest.bound)
