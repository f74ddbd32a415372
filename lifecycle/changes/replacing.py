"""Which changes make a provider replace a resource, by a table of facts. Pure but for reading the table.

Only a provider's plugin knows for certain, and no preview without credentials has one: the table is read off the
providers' published schemas at the versions that this project pins, or off the source of the provider that they are
made from; `source` in each row says where. What a provider decides only when it sees the deployed resource is not in
it. A row without a property says that nothing replaces the
type.
"""

import csv
from functools import cache
from pathlib import Path

from engine import property_paths
from lifecycle.changes.difference import leaves
from lifecycle.changes.report import PropertyChange

_TABLE = Path(__file__).with_name("replacing_properties.csv")


@cache
def table() -> dict[str, tuple[property_paths.Path, ...]]:
    """The properties that replace each type that is known."""
    found: dict[str, tuple[property_paths.Path, ...]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = (property_paths.parse(row["property"]),) if row["property"] else ()
            found[row["type"]] = (*found.get(row["type"], ()), *path)
    return found


def patterns(type_: str, replace_on_changes: tuple[str, ...] = ()) -> tuple[property_paths.Path, ...]:
    """What replaces a resource: by the table, and by its option `replaceOnChanges`."""
    return (*table().get(type_, ()), *map(property_paths.parse, replace_on_changes))


def is_known(type_: str, *, custom: bool) -> bool:
    """Whether it is known what replaces the type. A component is never replaced: it is nothing by itself."""
    return not custom or type_ in table()


def replaces(path: property_paths.Path, change: PropertyChange, found: tuple[property_paths.Path, ...]) -> bool:
    """Whether a change does: at, or within, what a pattern names; or of a whole block that holds it."""
    if any(property_paths.covers(pattern, path) for pattern in found):
        return True
    deeper = [pattern for pattern in found if len(pattern) > len(path)]
    return any(
        property_paths.covers(pattern, place)
        for pattern in deeper
        for side in (change.before, change.after)
        for place, _ in leaves(side, path)
    )
