"""The two prices that a simulation needs, from the price book."""

from typing import cast

from planning import quantities
from planning.errors import PlanningError
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, Capacity, Cloud, InstancePrice


def prices_of(book: PriceBook, where: str) -> tuple[InstancePrice, InstancePrice]:
    """The prices on spot and on demand of `CLOUD:REGION:TYPE`.

    Spot is the region's price where the book has one, else that of its cheapest zone.

    :raises PlanningError: it is no such name, or the book lacks one of the prices.
    """
    parts = where.split(":")
    if len(parts) != 3 or not all(parts):
        raise PlanningError(f"type = {where!r}: must be CLOUD:REGION:TYPE, such as aws:eu-west-1:g5.xlarge")
    cloud = cast(Cloud, quantities.one_of("type's cloud", parts[0], CLOUDS))
    _, region, name = parts
    if book.type_of(cloud, name) is None:
        raise PlanningError(
            f"type = {where!r}: the price book has no {name} of {cloud}; 'yard prices list --limit 0' shows what it has"
        )
    found = {capacity: _price(book, cloud, region, name, capacity) for capacity in ("spot", "on_demand")}
    missing = [capacity for capacity, price in found.items() if price is None]
    if missing:
        raise PlanningError(
            f"type = {where!r}: the price book has no {' and no '.join(missing)} price of {name} in {region}; "
            "give both with --spot-price and --on-demand-price"
        )
    return cast(InstancePrice, found["spot"]), cast(InstancePrice, found["on_demand"])


def prices_in_words(spot: InstancePrice, on_demand: InstancePrice) -> str:
    """Where the two prices are from, and of which days."""
    zone = f" in {spot.zone}" if spot.zone else ""
    return (
        f"prices of {on_demand.cloud}:{on_demand.region}:{on_demand.instance_type}: on demand {on_demand.basis} "
        f"{on_demand.as_of}, spot{zone} {spot.basis} {spot.as_of}"
    )


def _price(book: PriceBook, cloud: Cloud, region: str, name: str, capacity: str) -> InstancePrice | None:
    wanted = cast(Capacity, capacity)
    whole = book.price_of(cloud, region, name, wanted)
    if whole is not None:
        return whole
    zones = [
        each
        for each in book.instances
        if (each.cloud, each.region, each.instance_type, each.capacity) == (cloud, region, name, wanted)
    ]
    return min(zones, key=lambda each: each.usd_per_hour, default=None)
