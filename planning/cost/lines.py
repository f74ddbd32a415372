"""What one part of a resource costs, and how a pricer says it: fixed, by use, nothing, or unknown."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from planning.cost.plan import PlannedResource
from planning.cost.usage import Usage
from planning.prices.book import PriceBook, cost_of
from planning.prices.model import Basis, Cloud, ServicePrice
from planning.quantities import HOURS_PER_MONTH

Kind = Literal["fixed", "usage", "free", "unknown"]
"""fixed: costs as long as it is there. usage: costs by use, which is assumed. free: costs nothing, for a stated reason.
unknown: costs, and nobody here knows how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bill. Money is US dollars before tax and discounts; None: unknown."""

    urn: str
    type: str
    name: str
    what: str
    """What is paid for, such as `NAT gateway`."""
    kind: Kind
    quantity: float = 0.0
    """Units in a month."""
    unit: str = ""
    usd_per_unit: float | None = None
    """What a unit costs, on average over the tiers that the quantity reaches."""
    idle_usd_per_hour: float | None = 0.0
    """What an hour costs in which nothing is used."""
    full_usd_per_hour: float | None = 0.0
    """What an hour costs in which every node that may run does: a ceiling of what is billed by the hour."""
    usd_per_month: float | None = 0.0
    """What a month of 730 hours costs, with the assumptions."""
    assumption: str = ""
    """The assumption that it rests on, with its value; empty: none."""
    note: str = ""
    """Why it is free or unknown, or what else has to be known."""
    source: str = ""
    """Where the price is from, or who says that it is free."""
    basis: Basis | None = None
    """How good the price is; None where there is none."""
    as_of: datetime.date | None = None
    """The day of the price; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a pricer has: one resource, the others, prices, and assumptions; and the words for its answer."""

    resource: PlannedResource
    resources: Sequence[PlannedResource]
    """All of the same plan, for what is told by another resource."""
    below: Mapping[tuple[str, str], Sequence[PlannedResource]]
    """The same, by the URN of their parent and their type."""
    book: PriceBook
    cloud: Cloud
    region: str
    """Where the resource is; empty where nothing says."""
    usage: Usage

    def of(self, resource: PlannedResource) -> "Context":
        """The same for another resource of the plan, in this one's region."""
        return dataclasses.replace(self, resource=resource)

    def siblings(self, type_: str) -> Sequence[PlannedResource]:
        """Resources of a type below the same parent."""
        return self.below.get((self.resource.parent, type_), ())

    def sibling(self, type_: str) -> PlannedResource | None:
        """What belongs to this resource: the one of that type and name below its parent, else the only one of it.

        Identifiers tie resources together, and a preview does not know them; names it knows.
        """
        found = self.siblings(type_)
        named = [each for each in found if each.name == self.resource.name]
        return named[0] if len(named) == 1 else found[0] if len(found) == 1 else None

    def fixed(self, what: str, service: str, quantity: float, *, note: str = "") -> Line:
        """Costs as long as it is there.

        :param quantity: Units of the service in a month.
        """
        line = self._priced("fixed", what, service, quantity, "", note)
        hour = None if line.usd_per_month is None else line.usd_per_month / HOURS_PER_MONTH
        return line if hour is None else _with_hours(line, idle=hour, full=hour)

    def hours(self, what: str, service: str, count: float = 1.0, *, note: str = "") -> Line:
        """So many of something, all month."""
        return self.fixed(what, service, count * HOURS_PER_MONTH, note=note)

    def used(self, what: str, service: str, quantity: float, assumption: str, *, note: str = "") -> Line:
        """Costs by use.

        :param quantity: Units of the service in a month.
        :param assumption: Names of the assumptions that the quantity rests on.
        """
        return self._priced("usage", what, service, quantity, self.assumed(assumption), note)

    def free(self, reason: str, source: str) -> Line:
        """Costs nothing."""
        return self.line("free", "", note=reason, source=source, usd_per_unit=0.0)

    def unknown(self, what: str, why: str) -> Line:
        """Costs, and nobody here knows how much."""
        return self.line("unknown", what, note=why, idle_usd_per_hour=None, full_usd_per_hour=None, usd_per_month=None)

    def assumed(self, *names: str) -> str:
        """Assumptions as a line states them."""
        values = self.usage.as_dict()
        shown = []
        for name in (each for text in names for each in text.split()):
            group, _, pool = name.partition(".")
            shown.append(f"{name} = {values[group][pool] if pool else values[name]:.15g}")
        return ", ".join(shown)

    def _priced(self, kind: Kind, what: str, service: str, quantity: float, assumption: str, note: str) -> Line:
        tiers = self.book.tiers_of(self.cloud, self.region, service)
        if not tiers:
            return self.unknown(what, no_price(service, self.cloud, self.region))
        usd = cost_of(tiers, quantity)
        return self.line(
            kind,
            what,
            quantity=quantity,
            unit=tiers[0].unit,
            usd_per_unit=average(tiers, quantity),
            usd_per_month=usd,
            assumption=assumption,
            note=note,
            source=tiers[0].source,
            basis=tiers[0].basis,
            as_of=tiers[0].as_of,
        )

    def line(self, kind: Kind, what: str, **fields: object) -> Line:
        """A line of this resource, for a pricer whose prices are no service's."""
        return Line(
            urn=self.resource.urn,
            type=self.resource.type,
            name=self.resource.name,
            what=what,
            kind=kind,
            **fields,  # type: ignore[arg-type]
        )


def average(tiers: Sequence[ServicePrice], quantity: float) -> float:
    """US dollars a unit over the tiers that a quantity reaches."""
    if len(tiers) == 1 or quantity <= tiers[1].from_quantity:
        return tiers[0].usd_per_unit
    return cost_of(tiers, quantity) / quantity


def no_price(what: str, cloud: Cloud, region: str) -> str:
    """Why a line is unknown: the book has no price."""
    return f"the price book has no price of {what} in {cloud} {region or 'of an unknown region'}"


def _with_hours(line: Line, *, idle: float, full: float) -> Line:
    return dataclasses.replace(line, idle_usd_per_hour=idle, full_usd_per_hour=full)
