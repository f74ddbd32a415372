"""What the table of cases beside a file of rules is made of: what each rule lets pass, and what it objects to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.resources import Resource, Stack
from policies.rules import Rule
from policies.values import Unknown

UNKNOWN = Unknown("unknown")

Subject = Resource | Sequence[Resource]
"""One resource, or all that a stack has."""


@dataclass(frozen=True)
class Cases:
    """The cases of one rule; there is one of each at least."""

    rule: Rule
    passing: Sequence[Subject]
    failing: Sequence[tuple[Subject, str]]
    """What fails, and what the rule then says: a part of its objection."""


def made(
    type_: str,
    name: str = "it",
    properties: Mapping[str, Any] | None = None,
    *,
    refers: Mapping[str, Resource | Sequence[Resource]] | None = None,
    parent: Resource | None = None,
    secret_outputs: Sequence[str] = (),
    protected: bool = False,
) -> Resource:
    """A resource for a case. What a property `refers` to is unknown, as in a first preview, unless it is given."""
    references = {key: [value] if isinstance(value, Resource) else list(value) for key, value in (refers or {}).items()}
    return Resource(
        type=type_,
        name=name,
        properties={**{key: Unknown(key) for key in references}, **(properties or {})},
        urn=f"urn:pulumi:dev::trainyard::{type_}::{name}",
        parent=parent.urn if parent else "",
        property_dependencies={key: [each.urn for each in value] for key, value in references.items()},
        secret_outputs=secret_outputs,
        protected=protected,
    )


def as_stack(subject: Subject) -> Stack:
    """The stack of a case."""
    return Stack([subject] if isinstance(subject, Resource) else list(subject), name="dev")
