"""Which regions offer an instance type, so that a pool that its region cannot start is refused beforehand.

One table, `instance_offerings.csv`. Source: the answers of EC2's DescribeInstanceTypeOfferings, as AWS gave them to the
makers of moto 5.2.5, whose recording the tests compare the table with (2026-11). It has no regions of the partitions
for China and the US government: of a region that is not on record nothing is refused. Within a region a type may still
be missing in some zones, whose letters differ from account to account.
"""

import csv
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("instance_offerings.csv")


def is_offered(instance_type: str, region: str | None) -> bool:
    """Whether a region offers a type, as far as is known."""
    return region not in _recorded() or region in regions_of(instance_type)


def regions_of(instance_type: str) -> tuple[str, ...]:
    """The regions that are known to offer a type, in the order of their names."""
    return _table().get(instance_type, ())


@cache
def _table() -> dict[str, tuple[str, ...]]:
    with _TABLE.open(newline="", encoding="utf-8") as file:
        return {row["name"]: tuple(row["regions"].split()) for row in csv.DictReader(file)}


@cache
def _recorded() -> frozenset[str]:
    return frozenset(region for regions in _table().values() for region in regions)
