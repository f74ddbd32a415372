"""The programme against every fleet there is, on small instances."""

from hypothesis import event, given, settings

from planning.fleet.optimise import choose
from planning.fleet.work import Work
from planning.prices.book import PriceBook
from tests.planning.fleet.exhaustive import best_by_trying
from tests.planning.fleet.instances import books, works

TOLERANCE = 1e-4


@settings(max_examples=500, deadline=None)
@given(books(), works())
def test_the_cheapest_fleet_is_the_cheapest_of_all(small: PriceBook, work: Work) -> None:
    expected = best_by_trying(work, small, "cost")
    chosen = choose(work, small, tolerance=TOLERANCE)
    event("no fleet" if expected is None else "a fleet")
    if expected is None:
        assert chosen is None
        return
    assert chosen is not None
    plan = chosen.plan
    assert expected * (1 - 1e-6) <= plan.usd <= expected * (1 + TOLERANCE)
    assert plan.bound <= expected * (1 + 1e-6)
    assert plan.gap <= TOLERANCE


@settings(max_examples=100, deadline=None)
@given(books(), works())
def test_the_earliest_end_is_the_earliest_of_all(small: PriceBook, work: Work) -> None:
    # Whole days make the cost jump: the exhaustive search looks at ends where it is least, not where it is enough.
    work = work.but(capacities=("on_demand", "spot", "flex_start"))
    expected = best_by_trying(work, small, "time")
    chosen = choose(work, small, aim="time", tolerance=TOLERANCE)
    if expected is None:
        assert chosen is None
        return
    assert chosen is not None
    # What is earliest for a budget is sought to within the tolerance of the budget, too.
    tight = work if work.budget_usd is None else work.but(budget_usd=work.budget_usd * (1 - 2 * TOLERANCE))
    latest = best_by_trying(tight, small, "time")
    assert chosen.plan.hours >= expected * (1 - 1e-6)
    assert latest is None or chosen.plan.hours <= latest * (1 + 2 * TOLERANCE)
    assert latest is None or chosen.plan.bound <= latest * (1 + 1e-6)
