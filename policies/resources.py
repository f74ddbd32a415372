"""What a rule judges: a resource, and the stack of all of them, with the references between them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policies.values import Undecided, Unknown, get, secrets_within

# Outputs by which other resources name one. The last part of an ARN is an identifier too (vpc-0a1b2c, a role's name).
_IDENTIFYING = ("id", "arn", "name", "bucket", "keyId", "url", "selfLink", "email", "latestVersion")


class Judged:
    """What a rule is called with: it remembers what the rule could not know of it."""

    undecided: list[str]
    """Paths of the unknown values that the rule which is judging has met."""

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Judges a part by itself: an unknown value that it meets is noted, and the rule goes on after the block."""
        try:
            yield
        except Undecided as error:
            self.undecided.append(error.path)


@dataclass(eq=False)
class Resource(Judged):
    """A resource: its inputs where a rule of single resources looks, its outputs where a rule of the stack does."""

    type: str
    name: str
    properties: Mapping[str, Any]
    urn: str = ""
    parent: str = ""
    """URN of its parent."""
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By property: the URNs of the resources of whose outputs it is made. Known even where the value is not."""
    secret_outputs: Sequence[str] = ()
    """Outputs that the resource's options mark as secret."""
    protected: bool = False
    provider: Mapping[str, Any] = field(default_factory=dict)
    """The properties of its provider. Known only to rules that see the stack."""
    undecided: list[str] = field(default_factory=list)

    def get(self, *path: str | int, default: Any = None) -> Any:
        """What is at `path` in the properties; see `values.get`."""
        return get(self.properties, *path, default=default)

    def refers_to(self, other: "Resource", *path: str | int) -> bool:
        """Whether the property at `path` (all of it, where it is a list) names `other`.

        Pulumi tells of which outputs a property is made, so that this is known in a preview where the value is not.
        Raises Undecided where the value is unknown and nothing tells what it is made of.
        """
        made_of = self.property_dependencies.get(str(path[0]), ())
        if other.urn and other.urn in made_of:
            return True
        value = self.get(*path)
        if isinstance(value, Unknown):
            if made_of:
                return False
            raise Undecided(value.path)
        values = value if isinstance(value, list) else [value]
        names = other.identifiers
        undecided = None
        for each in values:
            if isinstance(each, Unknown):
                undecided = each.path
            elif isinstance(each, str) and each in names:
                return True
            elif isinstance(each, str) and not names:
                undecided = f"the name of {other.name}"
        if undecided is not None and not made_of:
            raise Undecided(undecided)
        return False

    @cached_property
    def secrets(self) -> list[str]:
        """The secrets among the properties, as plain texts."""
        return list(secrets_within(self.properties))

    @cached_property
    def identifiers(self) -> set[str]:
        """The known texts by which other resources may name this one."""
        found = {value for name in _IDENTIFYING if isinstance(value := self.properties.get(name), str) and value}
        arn = self.properties.get("arn")
        if isinstance(arn, str) and arn:
            found |= {arn.rpartition("/")[2], arn.rpartition(":")[2]}
        return found


@dataclass(eq=False)
class Stack(Judged):
    """All resources of a stack."""

    resources: Sequence[Resource]
    name: str = ""
    undecided: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    @cached_property
    def secrets(self) -> list[str]:
        """The secrets of all resources, as plain texts."""
        return [secret for resource in self.resources for secret in resource.secrets]

    @property
    def types(self) -> Iterable[str]:
        """The types of its resources, each once."""
        return self._by_type.keys()

    def of(self, *types: str) -> list[Resource]:
        """The resources of these types, in the order of the types."""
        return [resource for type_ in types for resource in self._by_type.get(type_, ())]

    def by_urn(self, urn: str) -> Resource | None:
        """The resource of that URN."""
        return self._by_urn.get(urn)

    @cached_property
    def _by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources if resource.urn}
