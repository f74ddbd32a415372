"""A place that data lies in or goes to: a region of a cloud, written `aws:us-east-1`."""

import math
from dataclasses import dataclass
from typing import Literal

from planning.errors import PlanningError
from planning.prices.book import PriceBook
from planning.prices.model import CLOUDS, Cloud, Region

Reach = Literal["region", "cloud", "internet"]
"""How far data goes: within a region, between regions of one cloud, or between clouds."""

EARTH_RADIUS_KM = 6371.0
"""Mean radius of the Earth (IUGG)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A region of a cloud."""

    cloud: Cloud
    region: str

    def __str__(self) -> str:
        return f"{self.cloud}:{self.region}"

    @classmethod
    def parse(cls, text: str, name: str = "place") -> "Place":
        """Reads `CLOUD:REGION`.

        :param name: What to call the setting in the error.

        Raises PlanningError for anything else.
        """
        cloud, colon, region = text.strip().partition(":")
        region = region.strip()
        for known in CLOUDS:
            if colon and region and cloud.strip() == known:
                return cls(known, region)
        raise PlanningError(
            f"{name} = {text!r}: must be CLOUD:REGION, such as aws:us-east-1; clouds are {', '.join(CLOUDS)}"
        )


def reach(source: Place, target: Place) -> Reach:
    """How far it is from one place to another."""
    if source.cloud != target.cloud:
        return "internet"
    return "region" if source.region == target.region else "cloud"


def region_at(book: PriceBook, place: Place, name: str = "place") -> Region:
    """What the book knows of a place. Raises PlanningError where it has no such region, naming those it has."""
    region = book.region_of(place.cloud, place.region)
    if region is None:
        known = ", ".join(sorted(each.name for each in book.regions if each.cloud == place.cloud)) or "none"
        raise PlanningError(f"{name} = '{place}': the price book has no such region; of {place.cloud} it has: {known}")
    return region


def distance_km(first: Region, second: Region) -> float:
    """Great-circle distance in km, by the haversine formula (Sinnott, Virtues of the Haversine, 1984)."""
    latitudes = math.radians(first.latitude), math.radians(second.latitude)
    half_latitude = (latitudes[1] - latitudes[0]) / 2
    half_longitude = math.radians(second.longitude - first.longitude) / 2
    chord = (
        math.sin(half_latitude) ** 2 + math.cos(latitudes[0]) * math.cos(latitudes[1]) * math.sin(half_longitude) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))
