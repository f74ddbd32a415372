"""Turns the answers of AWS into rows of the price book: products of the Price List, and the history of spot prices.

Source of the formats: AWS Price List API, "GetProducts"; Amazon EC2 API, "DescribeSpotPriceHistory".
"""

import dataclasses
import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from planning.prices.live import Found, LivePricesError
from planning.prices.model import InstancePrice
from planning.prices.numbers import plain_price

PLAIN_LINUX: Mapping[str, str] = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}
"""The attributes of what a node of a cluster is billed as; every one of them has dearer siblings."""

SPOT_PRODUCTS = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")
"""One product; the second is its name from the time when there was another network."""


def on_demand(products: Iterable[str], known: Iterable[str], region: str, day: datetime.date) -> Found:
    """The prices of a region's plain Linux instances.

    :param products: Each a JSON text, as GetProducts returns them in `PriceList`.
    :param known: The names of the types to price.

    Raises LivePricesError for what is no product at all.
    """
    wanted, found = frozenset(known), Found()
    for text in products:
        attributes, terms = _product(text)
        name = attributes.get("instanceType", "")
        if attributes.get("regionCode") != region or attributes.get("marketoption", "OnDemand") != "OnDemand":
            continue
        if any(attributes.get(key) != value for key, value in PLAIN_LINUX.items()):
            continue
        price = next(_hourly_dollars(terms), None)
        if price is None:
            continue
        if name not in wanted:
            found.unknown_types.add(name)
            continue
        found.prices.append(
            InstancePrice(
                cloud="aws",
                region=region,
                zone="",
                instance_type=name,
                capacity="on_demand",
                usd_per_hour=price,
                interruption_band="",
                basis="published",
                source="AWS Price List, GetProducts of AmazonEC2",
                as_of=day,
            )
        )
    return found


def spot(
    history: Iterable[Mapping[str, Any]], bands: Mapping[str, InstancePrice], region: str, day: datetime.date
) -> list[InstancePrice]:
    """The newest spot price of each type in each zone, and for the region the lowest of its zones.

    :param history: The entries of `SpotPriceHistory`.
    :param bands: What the book knows by type, whose interruption bands go on: the history does not tell any.
    """
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in history:
        if entry.get("ProductDescription") not in SPOT_PRODUCTS or not entry.get("AvailabilityZone"):
            continue
        key = (entry["InstanceType"], entry["AvailabilityZone"])
        if plain_price(entry.get("SpotPrice")) and (key not in newest or entry["Timestamp"] > newest[key]["Timestamp"]):
            newest[key] = entry
    zonal = [
        InstancePrice(
            cloud="aws",
            region=region,
            zone=zone,
            instance_type=name,
            capacity="spot",
            usd_per_hour=float(entry["SpotPrice"]),
            interruption_band=bands[name].interruption_band if name in bands else "",
            basis="published",
            source="Amazon EC2, DescribeSpotPriceHistory" + _band_source(bands.get(name)),
            as_of=day,
        )
        for (name, zone), entry in sorted(newest.items())
    ]
    return [*_lowest(zonal), *zonal]


def _lowest(zonal: Iterable[InstancePrice]) -> Iterator[InstancePrice]:
    by_type: dict[str, list[InstancePrice]] = {}
    for price in zonal:
        by_type.setdefault(price.instance_type, []).append(price)
    for prices in by_type.values():
        lowest = min(prices, key=lambda price: price.usd_per_hour)
        count = "1 zone" if len(prices) == 1 else f"{len(prices)} zones"
        yield dataclasses.replace(
            lowest, zone="", basis="derived", source=f"{lowest.source}; the lowest of {count}, {lowest.zone}"
        )


def _band_source(known: InstancePrice | None) -> str:
    return f"; interruption band as on {known.as_of}" if known is not None and known.interruption_band else ""


def _product(text: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    try:
        product = json.loads(text)
        return product["product"]["attributes"], product.get("terms", {})
    except (ValueError, TypeError, KeyError) as error:
        raise LivePricesError(f"the Price List answered with what is no product: {text[:80]!r} ({error!r})") from None


def _hourly_dollars(terms: Mapping[str, Any]) -> Iterator[float]:
    """Prices above nothing: what is sold at $0 is billed in another way, such as a capacity block."""
    for term in terms.get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            price = plain_price(dimension.get("pricePerUnit", {}).get("USD"))
            if dimension.get("unit") == "Hrs" and price is not None:
                yield price
