"""The difference of two costs: what each resource that came, went or changed adds to a bill or takes off it.

Resources are the same if they have type, parents' types and name in common, so that two stacks can be compared, too.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from planning.cost.estimate import PlanCost, price_plan
from planning.cost.lines import Line
from planning.cost.plan import Plan, key_of, read_plan
from planning.cost.usage import Usage
from planning.prices.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDifference:
    """One resource whose cost differs. A side on which it is not has 0; None: unknown altogether."""

    key: str
    """Types and name, as in a URN without stack and project."""
    type: str
    name: str
    kind: Literal["added", "removed", "changed"]
    before_usd_per_month: float | None
    after_usd_per_month: float | None
    unknown: tuple[str, ...]
    """Parts, on either side, of which nobody knows the price."""

    @property
    def usd_per_month(self) -> float | None:
        """What the difference comes to in a month; None where a side is unknown."""
        if self.before_usd_per_month is None or self.after_usd_per_month is None:
            return None
        return self.after_usd_per_month - self.before_usd_per_month


@dataclass(frozen=True)
class CostDifference:
    """What one plan costs more than another, in US dollars. Negative: less."""

    before: PlanCost
    after: PlanCost
    resources: tuple[ResourceDifference, ...]
    """Only those that differ, the greatest difference first."""

    @cached_property
    def usd_per_month(self) -> float:
        """In a month of 730 hours, with the assumptions of each."""
        return self.after.usd_per_month - self.before.usd_per_month

    @cached_property
    def idle_usd_per_hour(self) -> float:
        """In an hour in which nothing is used."""
        return self.after.idle_usd_per_hour - self.before.idle_usd_per_hour

    @cached_property
    def full_usd_per_hour(self) -> float:
        """In an hour in which every node that may run does."""
        return self.after.full_usd_per_hour - self.before.full_usd_per_hour

    @property
    def unpriced(self) -> dict[str, tuple[int, int]]:
        """Types that nobody prices and whose number differs: before and after."""
        before, after = self.before.unpriced, self.after.unpriced
        found = {type_: (before.get(type_, 0), after.get(type_, 0)) for type_ in sorted({*before, *after})}
        return {type_: counts for type_, counts in found.items() if counts[0] != counts[1]}

    @property
    def complete(self) -> bool:
        """Whether everything on both sides has a price."""
        return self.before.complete and self.after.complete


def difference(before: PlanCost, after: PlanCost) -> CostDifference:
    """What `after` costs more than `before`."""
    old, new = _by_key(before.lines), _by_key(after.lines)
    found = [
        _compare(key, old.get(key, ()), new.get(key, ()))
        for key in dict.fromkeys([*old, *new])
        if _bill(old.get(key, ())) != _bill(new.get(key, ()))
    ]
    return CostDifference(before, after, tuple(sorted(found, key=_rank)))


def price_change(document: object, book: PriceBook, usage: Usage | None = None) -> CostDifference:
    """What the change that a preview shows adds to the bill of a stack that is there. Raises as `price_plan`."""
    plan = document if isinstance(document, Plan) else read_plan(document)
    return difference(price_plan(plan, book, usage, when="before"), price_plan(plan, book, usage, when="after"))


def _by_key(lines: Iterable[Line]) -> dict[str, tuple[Line, ...]]:
    found: dict[str, tuple[Line, ...]] = {}
    for line in lines:
        if line.kind != "free":
            found[key_of(line.urn)] = (*found.get(key_of(line.urn), ()), line)
    return found


def _compare(key: str, old: tuple[Line, ...], new: tuple[Line, ...]) -> ResourceDifference:
    some = (new or old)[0]
    return ResourceDifference(
        key=key,
        type=some.type,
        name=some.name,
        kind="added" if not old else "removed" if not new else "changed",
        before_usd_per_month=_month(old),
        after_usd_per_month=_month(new),
        unknown=tuple(dict.fromkeys(line.what for line in (*old, *new) if line.kind == "unknown")),
    )


def _month(lines: tuple[Line, ...]) -> float | None:
    known = [line.usd_per_month for line in lines if line.usd_per_month is not None]
    return sum(known) if known or not lines else None


def _bill(lines: tuple[Line, ...]) -> list[Line]:
    """What a resource costs, without where it is from."""
    return [dataclasses.replace(line, urn="", name="", note="", source="", basis=None, as_of=None) for line in lines]


def _rank(each: ResourceDifference) -> tuple[bool, float, str]:
    usd = each.usd_per_month
    return (usd is not None, -abs(usd or 0.0), each.key)
