"""What a stack and each of its resources cost at both revisions, by the same price book. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifecycle.changes.plan import Plan
from lifecycle.changes.report import CostChange
from planning.errors import PlanningError

if TYPE_CHECKING:
    from planning.cost.estimate import PlanCost
    from planning.prices.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a plan costs."""

    total: "PlanCost | None" = None
    """None: there is no plan, or what is assumed for its price is wrong."""
    by_resource: Mapping[str, float | None] = field(default_factory=dict)
    """US dollars a month, by URN; None: nobody knows. What is not in it costs nothing."""
    problem: str = ""
    """Why the assumptions are wrong."""


def price(plan: Plan, book: "PriceBook") -> Priced:
    """The price of a plan, with the assumptions of its own configuration."""
    from planning.cost.estimate import price_plan

    if plan.problem:
        return Priced()
    try:
        total = price_plan(plan.document, book)
    except PlanningError as error:
        return Priced(problem=str(error))
    found: dict[str, float | None] = {}
    for urn, lines in total.by_resource().items():
        known = [line.usd_per_month for line in lines if line.usd_per_month is not None]
        found[urn] = sum(known) if known else None
    for urn, resource in plan.resources.items():
        if resource.custom and resource.type in total.unpriced:
            found[urn] = None
    return Priced(total=total, by_resource=found)


def cost_change(before: Priced, after: Priced) -> CostChange | None:
    """The difference; None where a side has no price."""
    from planning.cost.difference import difference

    if before.total is None or after.total is None:
        return None
    found = difference(before.total, after.total)
    return CostChange(
        before_usd_per_month=found.before.usd_per_month,
        after_usd_per_month=found.after.usd_per_month,
        before_idle_usd_per_hour=found.before.idle_usd_per_hour,
        after_idle_usd_per_hour=found.after.idle_usd_per_hour,
        before_full_usd_per_hour=found.before.full_usd_per_hour,
        after_full_usd_per_hour=found.after.full_usd_per_hour,
        complete=found.complete,
        unpriced=tuple(sorted({*found.before.unpriced, *found.after.unpriced})),
    )
