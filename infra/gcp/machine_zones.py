"""Which zones have a machine type, so that a pool that its zones cannot start is refused beforehand.

One table, `machine_zones.csv`: by the beginning of a machine type's name, the longest that fits, and by accelerator. Of
types with GPUs each zone is on record: Google Cloud, "GPU regions and zones availability", and the catalogue that
SkyPilot keeps of what Compute Engine lists in each zone; a zone counts that either has. Of types without GPU only the
region is: any zone of one that has a price for them counts. A new zone has to be added there before a pool can use it.

Zones for AI workloads alone, such as us-south1-ai1b, are left out.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("machine_zones.csv")
_LETTERS: Mapping[str, str] = {"europe-west1": "bcd", "us-central1": "abcf", "us-east1": "bcd"}


def zones_of_region(region: str) -> tuple[str, ...]:
    """The zones of a region of Google Cloud. Source: Compute Engine, "Available regions and zones"."""
    return tuple(f"{region}-{letter}" for letter in _LETTERS.get(region, "abc"))


def zones_of(machine_type: str, accelerator: str = "") -> frozenset[str]:
    """The zones that are known to have a machine type; none for a type of which nothing is known.

    :param accelerator: GPU that is attached to it: then the zones that have both.
    """
    names = [name for name in _table() if f"{machine_type}-".startswith(f"{name}-")]
    zones = _table()[max(names, key=len)] if names else frozenset()
    return zones & _table().get(accelerator, frozenset()) if accelerator else zones


def has_local_ssds(zone: str, accelerator: str) -> bool:
    """Whether machines in a zone can have Local SSD disks beside a GPU that is attached to them.

    Source: Google Cloud, "GPU machine types", "N1 machine series" (page of 2026-04-14).
    """
    if accelerator == "nvidia-tesla-p4":
        return zone in ("us-central1-c", "northamerica-northeast1-b")
    return (accelerator, zone) != ("nvidia-tesla-v100", "us-east1-c")


def is_offered(zone: str, machine_type: str, accelerator: str = "") -> bool:
    """Whether a zone is known to have a machine type, with that GPU attached to it."""
    return zone in zones_of(machine_type, accelerator)


@cache
def _table() -> dict[str, frozenset[str]]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: _zones(row["zones"]) for row in csv.DictReader(file)}


def _zones(text: str) -> frozenset[str]:
    """Zones that are written region by region, such as europe-west4:abc."""
    regions = (part.partition(":") for part in text.split())
    return frozenset(f"{region}-{letter}" for region, _, letters in regions for letter in letters)
