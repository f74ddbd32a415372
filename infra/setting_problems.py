"""What a person reads who mistyped a setting: its key as they wrote it, the value, and what would be valid."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from infra.setting_types import Group

_READ_FROM_PROVIDER = {"aws.region": "aws:region", "gcp.region": "gcp:region", "gcp.project_id": "gcp:project"}


def one_by_one(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """What pydantic found, with the problems of a group that were told together (`refuse_all`) apart."""
    for details in errors:
        context = details.get("ctx", {})
        for field, problem in context.get("problems", [(context.get("field"), details["msg"])]):
            yield {**details, "msg": problem, "ctx": context | {"field": field}}


def describe(
    details: ErrorDetails, tree_type: type[Group], tree: Mapping[str, Any], prefix: str, secret_fields: set[str]
) -> str:
    """One problem in one line.

    :param details: What pydantic found.
    :param tree_type: The group of all settings, in which the problem's location counts.
    :param tree: The configuration that was read.
    :param prefix: What each key begins with in the stack file, such as `trainyard:`.
    :param secret_fields: First parts of the locations whose values are secret.
    """
    location = [part for part in details["loc"] if part != "[key]"]
    if isinstance(field := details.get("ctx", {}).get("field"), str):
        location += field.split(".")
    key = _READ_FROM_PROVIDER.get(_path(location), prefix + _path(location))
    if details["type"] == "extra_forbidden":
        return f"{key}: no such setting{_suggest(location, tree_type, prefix)}"
    valid = details["msg"] if details["type"] == "refused" else f"must be {_valid_values(location, tree_type)}"
    value = _value_at(location, tree)
    if value is None or isinstance(value, Mapping):
        return f"{key}: {valid}"
    return f"{key} = {show(value, secret=location[0] in secret_fields)}: {valid}"


def fields_of(annotation: Any) -> list[str]:
    """The names of the fields of a setting that is an object; none of any other."""
    return list(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, Group) else []


def show(value: object, *, secret: bool) -> str:
    """A value as it is quoted in a problem."""
    if secret:
        return "(secret)"
    text = value if isinstance(value, str) else json.dumps(value)
    shortened = text if len(text) <= 60 else text[:57] + "..."
    return json.dumps(shortened) if isinstance(value, str) else shortened


def _path(location: list[str | int]) -> str:
    """A location as Pulumi writes it: `aws.network.zones[1]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _value_at(location: list[str | int], tree: Any) -> Any:
    value = tree
    for part in location:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    return value


def _suggest(location: list[str | int], tree_type: type[Group], prefix: str) -> str:
    parents, name = location[:-1], str(location[-1])
    path = prefix + (f"{_path(parents)}." if parents else "")
    group, _ = _type_at(parents, tree_type)
    known = {each: field for each, field in group.model_fields.items() if not field.exclude}
    start, _, field_name = name.partition(".")
    if not parents and start in known and field_name in fields_of(known[start].annotation):
        return f"; a field of an object is set with: pulumi config set --path {path}{name} VALUE"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near and not parents:
        # A field written without its object is the likeliest other mistake.
        near = [f"{each}.{name}" for each, field in known.items() if name in fields_of(field.annotation)]
    return f"; did you mean {path}{near[0]}?" if near else f"; known are {', '.join(path + other for other in known)}"


def _valid_values(location: list[str | int], tree_type: type[Group]) -> str:
    """What a setting may be, told from its type and its constraints."""
    annotation, constraints = _type_at(location, tree_type)
    limits = {
        limit: value
        for constraint in constraints
        for limit in ("ge", "gt", "le", "min_length", "max_length")
        if (value := getattr(constraint, limit, None)) is not None
    }
    if fields := fields_of(annotation):
        return f"an object with the fields {', '.join(fields)}"
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"a list{_of_length(limits)}"
    if get_origin(annotation) is dict:
        return "an object of objects by name"
    if annotation is bool:
        return "true or false"
    if annotation is int:
        return f"a whole number from {limits['ge']} to {limits['le']}" if "ge" in limits else "a whole number"
    if annotation is float:
        least = f"above {limits['gt']}" if "gt" in limits else f"from {limits['ge']}"
        return f"a number {least} up to {limits['le']}"
    if "min_length" in limits:
        return "1 to 63 characters: letters, digits, spaces and _.@+=:/-, with a letter or digit first"
    return "text"


def _of_length(limits: Mapping[str, int]) -> str:
    if "min_length" in limits:
        return f" of {limits['min_length']} to {limits['max_length']}"
    return f" of at most {limits['max_length']}" if "max_length" in limits else ""


def _type_at(location: list[str | int], tree_type: type[Group]) -> tuple[Any, list[Any]]:
    """The type of the setting at a location, and the constraints on it."""
    annotation: Any = tree_type
    constraints: list[Any] = []
    for part in location:
        if fields_of(annotation):
            field = annotation.model_fields[str(part)]
            annotation, constraints = field.annotation, list(field.metadata)
        else:
            # A list's items, or what an object holds by names that are the user's own.
            items = [each for each in get_args(annotation) if each is not Ellipsis]
            annotation, constraints = items[-1], []
        while get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            constraints += more
    return annotation, constraints
