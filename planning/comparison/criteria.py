"""What clouds and regions are compared by: the criteria, and what a measurement by one of them holds."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planning.prices.model import Basis

CriterionName = Literal[
    "price",
    "spot_price",
    "spot_stability",
    "availability",
    "network",
    "storage",
    "egress",
    "transfer_cost",
    "transfer_time",
    "protection",
    "distance",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing to compare by."""

    name: CriterionName
    title: str
    """A few words for the head of a table."""
    less_is_better: bool
    default_weight: float
    """Taste, not fact: whoever compares sets weights of their own."""
    meaning: str
    """What is measured, and by what rule."""
    natural_scale: bool = False
    """Whether values go from 0 to 1 by themselves, and are taken as they are."""


_ALL = (
    Criterion(
        name="price",
        title="on demand",
        less_is_better=True,
        default_weight=4,
        meaning="the lowest price on demand of what is asked, a GPU's share of its instance's price",
    ),
    Criterion(
        name="spot_price",
        title="spot",
        less_is_better=True,
        default_weight=2,
        meaning="the lowest price on spot of what is asked, a GPU's share of its instance's price",
    ),
    Criterion(
        name="spot_stability",
        title="interrupted",
        less_is_better=True,
        default_weight=1,
        meaning="share of spot instances interrupted in a month: the midpoints of the published bands, "
        "averaged over the types that fit; unknown where the cloud publishes none",
    ),
    Criterion(
        name="availability",
        title="offers",
        less_is_better=False,
        default_weight=1,
        meaning="ways to buy what is asked: pairs of an instance type and a capacity kind that the price book has a "
        "price for; no cloud publishes what is free right now",
    ),
    Criterion(
        name="network",
        title="network",
        less_is_better=False,
        default_weight=1,
        meaning="the most network bandwidth for each GPU among the types that fit",
    ),
    Criterion(
        name="storage",
        title="storage",
        less_is_better=True,
        default_weight=1,
        meaning="object storage, the average price of the volume that is asked",
    ),
    Criterion(
        name="egress",
        title="egress",
        less_is_better=True,
        default_weight=1,
        meaning="data to the internet, the average price of the first 1,000 GB of a month",
    ),
    Criterion(
        name="transfer_cost",
        title="moving data",
        less_is_better=True,
        default_weight=1,
        meaning="what moving the data there from where it lies costs in egress",
    ),
    Criterion(
        name="transfer_time",
        title="moving time",
        less_is_better=True,
        default_weight=1,
        meaning="how long moving the data there takes, modelled",
    ),
    Criterion(
        name="protection",
        title="protection",
        less_is_better=False,
        default_weight=2,
        meaning="share of the data-protection features that the cloud offers, of those that are known; "
        "unknown where fewer than half are known",
        natural_scale=True,
    ),
    Criterion(
        name="distance",
        title="distance",
        less_is_better=True,
        default_weight=1,
        meaning="great-circle distance to the users, or else to the data",
    ),
)

CRITERIA: Mapping[CriterionName, Criterion] = {each.name: each for each in _ALL}
"""Every criterion, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure is from."""

    text: str
    as_of: datetime.date | None
    """The day of the figure; None for a model or a formula, which has none."""
    basis: Basis | Literal["modelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one criterion says of one region."""

    value: float | None
    """None: unknown."""
    amount: str
    """The value as people read it, without its unit; `unknown` where it is."""
    unit: str = ""
    """The unit, as it follows the amount."""
    detail: str
    """What the value is of, or why it is unknown."""
    sources: tuple[Source, ...] = ()
    rough: bool = False
    """Whether it rests on a price that is derived or assumed, or on a model."""
    known: float = 1.0
    """Which part of what makes up the value is known, from 0 to 1; 0 where the value is unknown."""

    @classmethod
    def unknown(cls, why: str) -> "Measurement":
        """Nothing that could be compared, and why."""
        return cls(value=None, amount="unknown", detail=why, known=0.0)

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{self.amount}{self.unit}"
