"""What earlier ends cost: the fleets of which none is both cheaper and earlier than another.

One of the two aims is made a limit and moved (the ε-constraint method: Y. Haimes et al., "On a bicriterion formulation
of the problems of integrated system identification and system optimization", IEEE Transactions on Systems, Man, and
Cybernetics 1 (1971)): for deadlines from the earliest end to that of the cheapest fleet, the least cost.
"""

from planning.fleet.optimise import choose
from planning.fleet.plan import FleetPlan
from planning.fleet.search import MOST_SECONDS, TOLERANCE
from planning.fleet.work import Work
from planning.prices.book import PriceBook
from planning.quantities import whole

POINTS = 12


def pareto_front(
    work: Work,
    book: PriceBook,
    *,
    points: int = POINTS,
    tolerance: float = TOLERANCE,
    seconds: float = MOST_SECONDS,
) -> tuple[FleetPlan, ...]:
    """Fleets from the earliest to the cheapest; none where no fleet does the work.

    :param points: How many deadlines are tried; equal and dominated answers are left out.
    :param seconds: For each of them; after so long the answer is the best one found so far.

    Raises PlanningError for names that the book does not have, and fewer than two points.
    """
    whole("points", points, 2)
    fastest = choose(work, book, aim="time", tolerance=tolerance, seconds=seconds)
    cheapest = choose(work, book, aim="cost", tolerance=tolerance, seconds=seconds)
    if fastest is None or cheapest is None:
        return ()
    plans = [fastest.plan, cheapest.plan]
    first, last = plans[0].hours, plans[1].hours
    for step in range(1, points - 1):
        deadline = first * (last / first) ** (step / (points - 1))
        chosen = choose(work.but(deadline_hours=deadline), book, tolerance=tolerance, seconds=seconds)
        if chosen is not None:
            plans.append(chosen.plan)
    return undominated(plans)


def undominated(plans: list[FleetPlan]) -> tuple[FleetPlan, ...]:
    """Those that no other plan is better than in one way and as good as in the other, the earliest first."""
    kept: list[FleetPlan] = []
    for plan in sorted(plans, key=lambda plan: (plan.hours, plan.usd)):
        if not kept or plan.usd < kept[-1].usd * (1 - 1e-9):
            kept.append(plan)
    return tuple(kept)
