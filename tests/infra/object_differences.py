"""How two clusters' objects differ: value by value, and whether somebody has said why."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.infra.recorder import Registered

Objects = Mapping[str, Mapping[str, Any]]
"""Every object's values by their paths, by the object's kind and name."""


@dataclass(frozen=True)
class Difference:
    """One value that is not the same, or is on one side only."""

    object: str
    """Kind and name."""
    path: str
    """Where in the object; empty: the object itself is on one side only."""
    one: Any
    other: Any

    def __str__(self) -> str:
        return f"{self.object} {self.path}: {self.one!r} and {self.other!r}"


@dataclass(frozen=True)
class Reason:
    """What may differ, and why."""

    objects: str
    """A pattern of their kinds and names, whole."""
    paths: str
    """A pattern of the paths in them, whole."""
    why: str
    holds: Callable[[Any, Any], bool] = lambda one, other: True
    """Whether the two values differ only as they may."""

    def covers(self, difference: Difference) -> bool:
        """Whether it is the reason of this one."""
        return (
            re.fullmatch(self.objects, difference.object) is not None
            and re.fullmatch(self.paths, difference.path) is not None
            and self.holds(difference.one, difference.other)
        )


def objects(registered: Iterable[Registered]) -> dict[str, dict[str, Any]]:
    """The Kubernetes objects among what a program registers, and the releases of Helm."""
    found = {}
    for each in registered:
        if each.type.startswith("kubernetes:"):
            name = f"{each.type.rpartition(':')[2]} {each.name}"
            assert name not in found, name
            found[name] = dict(values(each.inputs))
    return found


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is no object and no list, with its path.

    Items of lists go by their names where they have any, such as containers and variables; files of JSON and YAML are
    looked into.
    """
    if isinstance(value, str) and path.endswith((".json", ".yaml")):
        # Which is a superset of JSON.
        value = yaml.safe_load(value)
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from values(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            name = item.get("name", index) if isinstance(item, Mapping) else index
            yield from values(item, f"{path}[{name}]")
    else:
        yield path, value


def differences(one: Objects, other: Objects) -> list[Difference]:
    """Everything that is not the same on both sides."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            found.append(Difference(name, "", "here" if name in one else None, "here" if name in other else None))
            continue
        for path in sorted(one[name].keys() | other[name].keys()):
            values_of = one[name].get(path), other[name].get(path)
            if values_of[0] != values_of[1]:
                found.append(Difference(name, path, *values_of))
    return found


def without_reason(found: Iterable[Difference], reasons: Iterable[Reason]) -> list[str]:
    """Those that nobody has said the reason of."""
    reasons = list(reasons)
    return [str(each) for each in found if not any(reason.covers(each) for reason in reasons)]


def without_use(found: Iterable[Difference], reasons: Iterable[Reason]) -> list[str]:
    """Reasons for what does not differ."""
    found = list(found)
    return [reason.why for reason in reasons if not any(reason.covers(each) for each in found)]
