"""Which regions are compared, with what fits there, and which are left out and why."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planning.comparison.request import Request
from planning.errors import PlanningError
from planning.network.places import Place
from planning.prices.ageing import MAX_AGE_DAYS, usable
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, Cloud, InstancePrice, InstanceType, Region

Offer = tuple[InstanceType, InstancePrice]

_MOST_NAMED = 3
"""So many regions are named where something is said of several; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A region that can do the work, by the price book."""

    region: Region
    offers: tuple[Offer, ...]
    """Every price of a type that fits, the cheapest first."""

    @property
    def place(self) -> Place:
        """Cloud and name of the region."""
        return Place(self.region.cloud, self.region.name)

    @property
    def types(self) -> tuple[InstanceType, ...]:
        """The types that fit and have a price, each once, by name."""
        return tuple(sorted({kind.name: kind for kind, _ in self.offers}.values(), key=lambda kind: kind.name))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not compared."""

    cloud: Cloud
    regions: tuple[str, ...]
    """Names of the regions; empty: the whole cloud."""
    why: str

    @property
    def what(self) -> str:
        """The cloud, or its regions: by name if they are few."""
        if len(self.regions) > _MOST_NAMED:
            return f"{self.cloud}, {len(self.regions)} regions"
        return ", ".join(f"{self.cloud}:{region}" for region in self.regions) or self.cloud


def find_candidates(
    book: PriceBook, request: Request, max_age_days: int = MAX_AGE_DAYS
) -> tuple[tuple[Candidate, ...], tuple[LeftOut, ...]]:
    """The regions to compare, by cloud and name, and what is left out.

    :param max_age_days: Prices of instances that are this much older than the book's newest do not count.

    Raises PlanningError where nothing is left to compare, with the reason for every region.
    """
    kept, dated = usable(book, max_age_days)
    admitted = [region for region in book.regions if request.admits(region)]
    fitting = {(kind.cloud, kind.name): kind for kind in book.types if request.fits(kind)}
    offered, lost = _by_region(kept.instances, fitting), _by_region(dated, fitting)
    candidates = []
    left_out = list(_unpriced_clouds(book, request))
    for cloud in CLOUDS:
        without = []
        for region in sorted((each for each in admitted if each.cloud == cloud), key=lambda each: each.name):
            here = (region.cloud, region.name)
            if here in lost:
                why = _why_dated([price for _, price in lost[here]], book.as_of, max_age_days)
                left_out.append(LeftOut(cloud, (region.name,), why))
            if here in offered:
                candidates.append(Candidate(region=region, offers=offered[here]))
            elif here not in lost:
                without.append(region.name)
        if without and all(each.cloud != cloud or each.regions for each in left_out):
            why = f"the price book has no price there for {_words(request)}"
            left_out.append(LeftOut(cloud, tuple(without), why))
    if not candidates:
        reasons = [f"  {each.what}: {each.why}" for each in left_out]
        if not admitted and not left_out:
            reasons.append("  no region is in all of the clouds, regions, continents and countries that are asked for")
        if any((region.cloud, region.name) in lost for region in admitted):
            reasons.append("  a higher max_age_days takes in what is dated")
        reasons.append(f"  {_elsewhere(kept, request, offered)}")
        raise PlanningError.of(["there is nothing to compare:", *reasons])
    return tuple(candidates), tuple(left_out)


def _by_region(
    prices: Iterable[InstancePrice], fitting: Mapping[tuple[Cloud, str], InstanceType]
) -> Mapping[tuple[Cloud, str], tuple[Offer, ...]]:
    """The prices of what fits by cloud and region, the cheapest first."""
    found: dict[tuple[Cloud, str], list[Offer]] = {}
    for price in prices:
        kind = fitting.get((price.cloud, price.instance_type))
        if kind is not None:
            found.setdefault((price.cloud, price.region), []).append((kind, price))
    return {
        place: tuple(sorted(offers, key=lambda each: (each[1].usd_per_hour, each[1].instance_type, each[1].zone)))
        for place, offers in found.items()
    }


def _unpriced_clouds(book: PriceBook, request: Request) -> Iterator[LeftOut]:
    priced = {price.cloud for price in book.instances}
    asked = {each.strip().casefold() for each in request.clouds}
    for cloud in CLOUDS:
        if cloud not in priced and (not asked or cloud in asked):
            yield LeftOut(cloud, (), "the price book has no prices of this cloud at all")


def _why_dated(lost: Sequence[InstancePrice], newest: datetime.date, max_age_days: int) -> str:
    days = sorted({price.as_of for price in lost})
    when = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    many = "1 price" if len(lost) == 1 else f"{len(lost)} prices"
    return f"{many} of {when}: more than {max_age_days} days older than the book's newest ({newest})"


def _elsewhere(book: PriceBook, request: Request, offered: Iterable[tuple[Cloud, str]]) -> str:
    places = ", ".join(sorted(f"{cloud}:{region}" for cloud, region in offered))
    if places:
        return f"there are usable prices for {_words(request)} in {places}"
    most = max((kind.gpu_memory_gib for kind, _ in book.offers()), default=0.0)
    return f"nowhere is a usable price for {_words(request)}; the most memory of one GPU is {most:.4g} GiB"


def _words(request: Request) -> str:
    """The GPUs that are asked for, in words."""
    memory = "" if request.gpu_memory_gib is None else f" with {request.gpu_memory_gib:g} GiB or more"
    return f"{request.gpu or 'GPUs'}{memory}"
