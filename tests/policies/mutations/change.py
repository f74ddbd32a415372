"""Takes a protecting property out of a stack that is sound, or puts a careless one in."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policies.resources import Resource

Change = Callable[[list[Resource]], list[Resource]]


@dataclass(frozen=True)
class Mutation:
    """A change of a stack after which exactly one rule fails."""

    stack: str
    """dev, prod or local: a stack of this project. `corpus/NAME`: a sound program of the corpus, where this project has
    no such resource."""
    change: Change
    also: Sequence[str] = ()
    """Rules that the same change breaks for good reason, by id."""


def without(type_: str, *path: str | int, name: str | None = None) -> Change:
    """Takes a property out of the first resource of a type, or of that type and name."""
    return _changed(type_, name, lambda properties: _parent(properties, path).__delitem__(path[-1]))


def setting(type_: str, value: Any, *path: str | int, name: str | None = None) -> Change:
    """Gives a property of the first resource of a type, or of that type and name, another value."""
    return _changed(type_, name, lambda properties: _parent(properties, path).__setitem__(path[-1], value))


def changing(type_: str, edit: Callable[[dict[str, Any]], object], *, name: str | None = None) -> Change:
    """Edits the properties of the first resource of a type, or of that type and name, in place."""
    return _changed(type_, name, edit)


def removing(type_: str, name: str | None = None) -> Change:
    """Takes away all resources of a type, or the one of that name."""

    def change(resources: list[Resource]) -> list[Resource]:
        left = [each for each in resources if each.type != type_ or name not in (None, each.name)]
        assert len(left) < len(resources), f"there is no {type_} {name or ''}"
        return left

    return change


def adding(*added: Resource) -> Change:
    """Adds resources."""
    return lambda resources: [*resources, *added]


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(resources: list[Resource]) -> list[Resource]:
        for each in changes:
            resources = each(resources)
        return resources

    return change


def _changed(type_: str, name: str | None, edit: Callable[[dict[str, Any]], object]) -> Change:
    def change(resources: list[Resource]) -> list[Resource]:
        index = next(
            (at for at, each in enumerate(resources) if each.type == type_ and name in (None, each.name)), None
        )
        assert index is not None, f"there is no {type_} {name or ''}"
        properties = copy.deepcopy(dict(resources[index].properties))
        edit(properties)
        return [*resources[:index], replace(resources[index], properties=properties), *resources[index + 1 :]]

    return change


def _parent(properties: dict[str, Any], path: Sequence[str | int]) -> Any:
    container: Any = properties
    for key in path[:-1]:
        container = container[key]
    return container
