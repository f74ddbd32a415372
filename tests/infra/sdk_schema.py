"""The schema of a cloud's provider, as its Python SDK has it, and what a resource's inputs say against it.

The SDK is generated from the provider's schema: names, types, what is required and what is deprecated are in its
classes of arguments, and most enumerations in their docstrings. No plugin is needed to read them.
"""

import enum
import importlib
import inspect
import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import NoneType
from typing import Any, Union, get_args, get_origin

import pulumi
from pulumi._types import input_type_types, is_input_type
from pulumi.runtime.rpc import get_resource_module

_NOT_YET = (Awaitable, pulumi.Output)
_CONSTANT = r"\b[A-Z][A-Z0-9_]{2,}\b"
_QUOTED = rf"[`\"']{{1,2}}{_CONSTANT}[`\"']{{1,2}}"
_NAMED = rf"""(?:`"?[^`"\s]+"?`|"[^"\s]+"|'[^'\s]+'|{_CONSTANT})"""
_BETWEEN = r"(?:[\s,/\[\]]|\b(?:and|or)\b|\(default\))*"
_KIND = r"(?i:\b(?:possible|valid|accepted|acceptable|supported|allowed|available)\s+(?:values?|options|types))"
_KINDS = rf"{_KIND}(?:\s+for\s+\w+)?(?:\s+(?:are|is|include|includes|can\s+be))?:?[\s\[(]*"
_CHOICE = r"(?i:\b(?:can|must|should)\s+be|\beither|\bone\s+of)\s+(?:either\s+)?"
_LISTS = (
    re.compile(rf"{_KINDS}({_NAMED}(?:{_BETWEEN}{_NAMED})*)"),
    re.compile(rf"{_CHOICE}({_CONSTANT}(?:{_BETWEEN}{_CONSTANT})+)"),
    # Without a word before it a list has two names at least.
    re.compile(rf"({_QUOTED}(?:{_BETWEEN}{_QUOTED})+)"),
)
"""How a property's documentation lists its values: `Possible values are: X, Y`, `can be X or Y`, or the names alone.
Names after a word that says so may be of any form, others are constants."""
_BEFORE_BULLETS = re.compile(rf"{_KIND}|\bone of\b")
_BULLETS = re.compile(rf"^[ \t]*[*-][ \t]+({_NAMED})", re.MULTILINE)


@dataclass(frozen=True)
class Value:
    """One value that is no object, list or map, where it is, and what the SDK says of its property."""

    type: str
    path: str
    """Names of properties, such as `releaseChannel.channel`; items of lists have no number."""
    value: Any
    documentation: str

    @property
    def place(self) -> str:
        """Type and path, for a reader."""
        return f"{self.type} {self.path}"

    @property
    def possible(self) -> frozenset[str]:
        """The texts that the documentation lists; none where it lists none, or the value is no text."""
        return listed_values(self.documentation) if isinstance(self.value, str) else frozenset()

    @property
    def problem(self) -> str:
        """Why the value is none of those that are possible; empty: it is one, or nothing is listed."""
        if not self.possible or self.value in self.possible:
            return ""
        return f"{self.path}: {self.value} is none of {', '.join(sorted(self.possible))}"


@dataclass
class Reading:
    """What was found in the inputs of one resource."""

    type: str
    problems: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


@cache
def listed_values(documentation: str) -> frozenset[str]:
    """The values that a property's documentation says it takes; none where it does not say, or in a form of its own."""
    named = {name for each in _LISTS for listed in each.findall(documentation) for name in re.findall(_NAMED, listed)}
    if introduced := _BEFORE_BULLETS.search(documentation):
        named |= set(_BULLETS.findall(documentation, introduced.end()))
    return frozenset(_plain(name) for name in named)


def _plain(text: str) -> str:
    return text.strip("`\"' ")


@cache
def resource_class(type_: str) -> type[pulumi.Resource]:
    """The SDK's class of a type token, such as `gcp:container/cluster:Cluster`. Raises LookupError if it has none."""
    package, module, _ = type_.split(":")
    importlib.import_module(f"pulumi_{package}")
    found = get_resource_module(package, module, "")
    if found is None or type_ not in found.mod_info["classes"]:  # type: ignore[attr-defined]
        raise LookupError(f"{type_}: the SDK of {package} has no such resource")
    information = found.mod_info  # type: ignore[attr-defined]
    return getattr(importlib.import_module(information["fqn"]), information["classes"][type_])  # type: ignore[no-any-return]


@cache
def arguments_class(type_: str) -> type:
    """The SDK's class of a resource's arguments."""
    of_resource = resource_class(type_)
    module = inspect.getmodule(of_resource)
    for name in (f"{of_resource.__name__}InitArgs", f"{of_resource.__name__}Args"):
        found = getattr(module, name, None)
        if found is not None:
            return found  # type: ignore[no-any-return]
    raise LookupError(f"{type_}: the SDK has no class of its arguments")


@dataclass(frozen=True)
class Property:
    """A property of an object, as the SDK has it."""

    annotation: Any
    required: bool
    deprecated: bool
    documentation: str


@cache
def properties_of(arguments: type) -> Mapping[str, Property]:
    """The properties of a class of arguments, by their names in the schema."""
    parameters = inspect.signature(arguments.__init__).parameters  # type: ignore[misc]
    types = input_type_types(arguments)
    properties = {}
    for name, member in inspect.getmembers_static(arguments, lambda member: isinstance(member, property)):
        schema_name = member.fget.__dict__.get("_pulumi_name", name)
        properties[schema_name] = Property(
            annotation=types[schema_name],
            required=parameters[name].default is inspect.Parameter.empty,
            deprecated="_pulumi_deprecated_callable" in member.fget.__dict__,
            documentation=inspect.getdoc(member.fget) or "",
        )
    return properties


def read(type_: str, inputs: Mapping[str, Any]) -> Reading:
    """Holds a resource's inputs, as the engine gets them, against the schema."""
    reading = Reading(type_)
    _read_object(reading, "", inputs, arguments_class(type_))
    return reading


def _read_object(reading: Reading, path: str, value: Any, arguments: type) -> None:
    if not isinstance(value, Mapping):
        reading.problems.append(f"{path}: must be an object, not {value!r}")
        return
    properties = properties_of(arguments)
    before = f"{path}." if path else ""
    for name, property_ in properties.items():
        if property_.required and value.get(name) is None:
            reading.problems.append(f"{before}{name}: is required")
    for name, item in value.items():
        if item is None or name == "__defaults":
            continue
        if name not in properties:
            reading.problems.append(f"{before}{name}: no such property is an input")
            continue
        if properties[name].deprecated:
            reading.problems.append(f"{before}{name}: is deprecated")
        _read_value(reading, f"{before}{name}", item, properties[name].annotation, properties[name].documentation)


def _read_value(reading: Reading, path: str, value: Any, annotation: Any, documentation: str) -> None:
    choices = list(_choices(annotation))
    objects = [each for each in choices if isinstance(each, type) and is_input_type(each)]
    # AWS takes a policy as JSON text in place of an object, too.
    if objects and (isinstance(value, Mapping) or len(choices) == len(objects)):
        _read_object(reading, path, value, objects[0])
        return
    for each in choices:
        origin = get_origin(each)
        if origin is Sequence and isinstance(value, list | tuple):
            for item in value:
                _read_value(reading, path, item, get_args(each)[0], documentation)
            return
        if origin is Mapping and isinstance(value, Mapping):
            for key, item in value.items():
                _read_value(reading, f"{path}[{key}]", item, get_args(each)[1], "")
            return
        if origin is None and _is_one(value, each):
            reading.values.append(Value(reading.type, path, value, documentation))
            return
    wanted = " or ".join(getattr(each, "__name__", str(each)) for each in choices)
    reading.problems.append(f"{path}: must be {wanted}, not {value!r}")


def _choices(annotation: Any) -> Iterator[Any]:
    """What an annotation takes at last, without what is known later only."""
    origin = get_origin(annotation)
    if origin is Union or str(origin) == "<class 'types.UnionType'>":
        for each in get_args(annotation):
            yield from _choices(each)
    elif origin not in _NOT_YET and annotation not in (NoneType, pulumi.Output):
        yield annotation


def _is_one(value: Any, annotation: Any) -> bool:
    if annotation is Any:
        return True
    if not isinstance(annotation, type):
        return False
    if issubclass(annotation, enum.Enum):
        return value in {each.value for each in annotation}
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value % 1 == 0))
    return isinstance(value, annotation)
