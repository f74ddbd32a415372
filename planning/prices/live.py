"""What the clients of the clouds' own prices have in common: what they are asked for, what they find, how they fail."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from planning.prices.book import PriceBook
from planning.prices.model import InstancePrice


class LivePricesError(Exception):
    """A cloud cannot be asked for its prices, or its answer cannot be used; the text says why and what would help."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to ask a cloud for."""

    book: PriceBook
    """Its instance types are those to price: the price of a type that nobody knows anything else of is of no use."""
    regions: Sequence[str]
    day: datetime.date
    """Today, which the rows will bear."""
    report: Callable[[str], None] = lambda _text: None
    """Is told in a few words what is being read now."""


@dataclass
class Found:
    """What a cloud has answered."""

    prices: list[InstancePrice] = field(default_factory=list)
    unknown_types: set[str] = field(default_factory=set)
    """Types that have a price and are in no table of the book; they are left out."""


Source = Callable[[Question], Found]
"""Asks one cloud. Raises LivePricesError."""
