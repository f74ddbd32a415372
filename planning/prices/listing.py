"""Chooses from a price book what people want to see, the cheapest GPU first."""

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.prices.ageing import usable
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, InstancePrice, InstanceType


@dataclass(frozen=True, slots=True)
class Offer:
    """A price with what it is for."""

    type: InstanceType
    price: InstancePrice

    @property
    def usd_per_gpu_hour(self) -> float | None:
        """None without GPUs."""
        return self.price.usd_per_hour / self.type.gpu_count if self.type.gpu_count else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to list; an empty choice is all of it."""

    clouds: Collection[str] = ()
    regions: Collection[str] = ()
    gpus: Collection[str] = ()
    """Models, in any case."""
    capacities: Collection[str] = ()


def offers(book: PriceBook, wanted: Wanted) -> list[Offer]:
    """The prices wanted: with GPUs by what one costs for an hour, then the others by what an instance does.

    Raises PlanningError for regions and GPUs that the book does not have, all of them at once.
    """
    models = {each.gpu.lower(): each.gpu for each in book.types if each.gpu}
    regions = {each.region for each in book.instances} | {each.name for each in book.regions}
    problems = [
        *(
            f"gpu = {name!r}: must be one of {', '.join(sorted(models.values()))}"
            for name in wanted.gpus
            if name.lower() not in models
        ),
        *(f"region = {name!r}: is no region of the price book" for name in wanted.regions if name not in regions),
    ]
    if problems:
        raise PlanningError.of(problems)
    gpus = {name.lower() for name in wanted.gpus}
    chosen = [
        Offer(each, price)
        for each, price in book.offers()
        if (not wanted.clouds or price.cloud in wanted.clouds)
        and (not wanted.regions or price.region in wanted.regions)
        and (not gpus or each.gpu.lower() in gpus)
        and (not wanted.capacities or price.capacity in wanted.capacities)
    ]
    return sorted(chosen, key=_by_price)


def offers_of(book: PriceBook, name: str) -> list[tuple[InstanceType, list[Offer]]]:
    """What the book has of one type, in whichever clouds have one of that name; no type: nothing."""
    return [
        (
            each,
            sorted(
                (
                    Offer(each, price)
                    for price in book.instances
                    if (price.cloud, price.instance_type) == (each.cloud, each.name)
                ),
                key=_by_price,
            ),
        )
        for each in book.types
        if each.name == name
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old a book is and what that leaves out."""

    as_of: datetime.date
    """The day of the newest price of an instance."""
    days: int
    dated: Mapping[str, int]
    """How many prices of a cloud are too old to plan with."""
    without_price: tuple[str, ...]
    """The clouds of which no price with a source is known."""
    newest: Mapping[str, datetime.date]
    """The day of each cloud's newest price of an instance."""


def age_of(book: PriceBook, today: datetime.date) -> Age:
    """Says how old a book is, by today's date."""
    _, dated = usable(book)
    newest: dict[str, datetime.date] = {}
    for price in book.instances:
        newest[price.cloud] = max(price.as_of, newest.get(price.cloud, price.as_of))
    return Age(
        as_of=book.as_of,
        days=(today - book.as_of).days,
        dated=dict(sorted(Counter(price.cloud for price in dated).items())),
        without_price=tuple(cloud for cloud in CLOUDS if cloud not in newest),
        newest={cloud: newest[cloud] for cloud in CLOUDS if cloud in newest},
    )


def source_of(price: InstancePrice) -> str:
    """How good a price is, where it is from, and of which day."""
    return f"{price.basis}: {price.source} ({price.as_of})"


def numbered_sources(prices: Iterable[InstancePrice]) -> dict[str, int]:
    """A number for each source, in the order in which they are met."""
    return {source: number for number, source in enumerate(dict.fromkeys(map(source_of, prices)), start=1)}


def _by_price(offer: Offer) -> tuple[bool, float, float, str, str, str, str]:
    price = offer.price
    per_gpu = offer.usd_per_gpu_hour
    return (
        per_gpu is None,
        price.usd_per_hour if per_gpu is None else per_gpu,
        price.usd_per_hour,
        price.cloud,
        price.instance_type,
        price.region,
        price.zone + price.capacity,
    )
