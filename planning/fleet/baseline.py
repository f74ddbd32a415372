"""What to compare a fleet with: the single cheapest type, and never anything but on-demand capacity."""

from dataclasses import dataclass

from planning.fleet.candidates import find_candidates
from planning.fleet.optimise import Chosen, best_uniform, choose
from planning.fleet.plan import FleetPlan
from planning.fleet.problem import Problem
from planning.fleet.search import MOST_SECONDS
from planning.fleet.uniform import Aim
from planning.fleet.work import Work
from planning.prices.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Baselines:
    """Plans that simpler rules come to; None where such a rule finds none."""

    single_type: FleetPlan | None
    """One instance type, bought one way, with the best number of nodes. SkyPilot's optimiser, too, chooses one resource
    type for a task (Z. Yang et al., "SkyPilot: An intercloud broker for sky computing", NSDI 2023, section 4.3)."""
    on_demand: FleetPlan | None
    """The best fleet without spot, reserved and flex-start capacity."""


def baselines(work: Work, book: PriceBook, *, aim: Aim = "cost", seconds: float = MOST_SECONDS) -> Baselines:
    """The plans to compare with; after so many seconds the best ones found so far.

    Raises PlanningError for names that the book does not have.
    """
    alone = single_type(work, book, aim=aim)
    allowed = not work.capacities or "on_demand" in work.capacities
    demand = choose(work.but(capacities=("on_demand",)), book, aim=aim, seconds=seconds) if allowed else None
    return Baselines(single_type=alone.plan if alone else None, on_demand=demand.plan if demand else None)


def single_type(work: Work, book: PriceBook, *, aim: Aim = "cost") -> Chosen | None:
    """The best fleet of one type only; None where none does the work."""
    market = find_candidates(work, book)
    problem = Problem.of(work, market)
    found = best_uniform(problem, aim)
    return None if found is None else Chosen(problem, found, market)
