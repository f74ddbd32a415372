"""What new prices change: which are new, dearer and cheaper, and by how much."""

from collections.abc import Iterable
from dataclasses import dataclass

from planning.prices.book import PriceBook, instance_key
from planning.prices.model import InstancePrice


@dataclass(frozen=True, slots=True)
class Change:
    """One price that is another one now."""

    before: InstancePrice
    after: InstancePrice

    @property
    def share(self) -> float:
        """By how much, as a share of the price before: 0.1 is dearer by a tenth, -0.1 cheaper by one."""
        return self.after.usd_per_hour / self.before.usd_per_hour - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What becomes of a book's prices."""

    new: tuple[InstancePrice, ...]
    dearer: tuple[Change, ...]
    """The largest change first, and so below."""
    cheaper: tuple[Change, ...]
    same: int


def changes(book: PriceBook, prices: Iterable[InstancePrice]) -> Changes:
    """Compares new prices with those that a book has for the same things."""
    known = {instance_key(each): each for each in book.instances}
    new: list[InstancePrice] = []
    changed: list[Change] = []
    same = 0
    for price in prices:
        before = known.get(instance_key(price))
        if before is None:
            new.append(price)
        elif before.usd_per_hour == price.usd_per_hour:
            same += 1
        else:
            changed.append(Change(before, price))
    changed.sort(key=lambda change: (-abs(change.share), instance_key(change.after)))
    return Changes(
        new=tuple(new),
        dearer=tuple(change for change in changed if change.share > 0),
        cheaper=tuple(change for change in changed if change.share < 0),
        same=same,
    )
