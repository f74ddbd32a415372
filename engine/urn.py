"""Uniform resource names: how Pulumi names a resource across deployments, and what the parts are.

``urn:pulumi:STACK::PROJECT::PARENT_TYPE$…$TYPE::NAME``; source: Pulumi's documentation, "Resource names", URNs.
"""

from typing import NamedTuple

_PREFIX = "urn:pulumi:"
STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE_PREFIX = "pulumi:providers:"


class Urn(NamedTuple):
    """The parts of a URN; `qualified_type` joins the parents' types and the resource's own by ``$``."""

    stack: str
    project: str
    qualified_type: str
    name: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.stack}::{self.project}::{self.qualified_type}::{self.name}"

    @property
    def type(self) -> str:
        """The resource's own type token."""
        return self.qualified_type.rsplit("$", 1)[-1]


def parse(urn: str) -> Urn:
    """The parts of `urn`. Raises ValueError for anything that is not a URN. A name may itself contain ``::``."""
    parts = urn.split("::", 3)
    if len(parts) != 4 or not parts[0].startswith(_PREFIX):
        raise ValueError(f"{urn!r} is not a resource URN; expected urn:pulumi:STACK::PROJECT::TYPE::NAME")
    return Urn(parts[0][len(_PREFIX) :], parts[1], parts[2], parts[3])


def make(stack: str, project: str, parent: str, resource_type: str, name: str) -> str:
    """The URN of a resource under `parent` (a URN, or empty). The stack itself adds nothing to its children's types."""
    if parent:
        parent_type = parse(parent).qualified_type
        if parent_type != STACK_TYPE:
            resource_type = f"{parent_type}${resource_type}"
    return f"{_PREFIX}{stack}::{project}::{resource_type}::{name}"


def name_of(urn: str) -> str:
    """The resource's name."""
    return urn.split("::", 3)[3]


def type_of(urn: str) -> str:
    """The resource's own type token, without its parents'."""
    return urn.split("::", 3)[2].rsplit("$", 1)[-1]


def package_of(resource_type: str) -> str:
    """The package whose provider serves the type: ``aws`` for ``aws:s3/bucket:Bucket`` and for its provider."""
    if resource_type.startswith(PROVIDER_TYPE_PREFIX):
        return resource_type[len(PROVIDER_TYPE_PREFIX) :]
    return resource_type.split(":", 1)[0]


def is_provider(resource_type: str) -> bool:
    """Whether the type token is that of a provider resource."""
    return resource_type.startswith(PROVIDER_TYPE_PREFIX)


def is_default_provider(urn: str) -> bool:
    """Whether it is a provider that the engine registered by itself: people are not told of those."""
    _, _, resource_type, name = urn.split("::", 3)
    return resource_type.startswith(PROVIDER_TYPE_PREFIX) and (name == "default" or name.startswith("default_"))


def split_provider_reference(reference: str) -> tuple[str, str]:
    """A provider reference ``URN::ID`` as URN and id. Raises ValueError where it has no id."""
    urn, separator, identifier = reference.rpartition("::")
    if not separator or not urn.startswith(_PREFIX):
        raise ValueError(f"{reference!r} is not a provider reference; expected URN::ID")
    return urn, identifier
