"""Turns the answers of Azure's retail prices into rows of the price book.

Source of the format: Microsoft, "Azure Retail Prices REST API overview".
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from planning.prices.model import Capacity, InstancePrice
from planning.prices.numbers import plain_price


def hourly_prices(
    items: Iterable[Mapping[str, Any]], known: Iterable[str], region: str, day: datetime.date
) -> list[InstancePrice]:
    """The prices of a region's Linux virtual machines, on demand and spot.

    :param items: The entries of `Items`.
    :param known: The names of the types to price.
    """
    wanted = frozenset(known)
    newest: dict[tuple[str, Capacity], Mapping[str, Any]] = {}
    for item in items:
        capacity = _capacity(item)
        name = item.get("armSkuName", "")
        if capacity is None or item.get("armRegionName") != region or name not in wanted or _begins(item) > day:
            continue
        key = (name, capacity)
        if key not in newest or _begins(item) > _begins(newest[key]):
            newest[key] = item
    return [
        InstancePrice(
            cloud="azure",
            region=region,
            zone="",
            instance_type=name,
            capacity=capacity,
            usd_per_hour=float(item["retailPrice"]),
            interruption_band="",
            basis="published",
            source="Azure Retail Prices API, Virtual Machines",
            as_of=day,
        )
        for (name, capacity), item in sorted(newest.items(), key=lambda each: each[0])
    ]


def filters(names: Iterable[str], region: str, most: int = 15) -> Iterator[str]:
    """What to ask for: the consumption prices of so many types at a time, since a filter is a part of an address."""
    names = list(names)
    for start in range(0, len(names), most):
        types = " or ".join(f"armSkuName eq '{name}'" for name in names[start : start + most])
        yield (
            f"serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and armRegionName eq '{region}' "
            f"and ({types})"
        )


def _capacity(item: Mapping[str, Any]) -> Capacity | None:
    """How an item is bought; None for what is no hour of a Linux machine in US dollars."""
    if item.get("type") != "Consumption" or item.get("currencyCode") != "USD":
        return None
    if item.get("unitOfMeasure") != "1 Hour" or plain_price(item.get("retailPrice")) is None:
        return None
    # Cloud Services is another service, with names of the same machines.
    if any(word in item.get("productName", "") for word in ("Windows", "CloudServices", "Cloud Services")):
        return None
    name = item.get("skuName", "")
    # Low Priority was before Spot, and is for batch jobs only.
    if "Low Priority" in name:
        return None
    return "spot" if "Spot" in name else "on_demand"


def _begins(item: Mapping[str, Any]) -> datetime.date:
    try:
        return datetime.date.fromisoformat(str(item.get("effectiveStartDate", ""))[:10])
    except ValueError:
        return datetime.date.min
