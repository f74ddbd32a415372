"""What a rule is: one function that yields what it objects to, and beside it all that a reader wants to know of it.

Rules know nothing of the policy SDK; `server.py` serves them. There are three kinds, each with a decorator:

- `resource_rule`: ``check(resource)`` yields sentences about one resource, before it is created or changed;
- `related_rule`: ``check(resource, stack)`` likewise, with everything else in the stack at hand;
- `stack_rule`: ``check(stack)`` yields `Objection`s about the whole.

Only the latter two know of which resources a property is made (`Resource.property_dependencies`, on which `refers_to`
rests): Pulumi's protocol does not tell it of a single resource.

A rule that uses an unknown value is cut short there and is undecided (see `values.py`); what it yielded before stands.
So it judges what can be judged apart, such as the statements of a policy, in ``with resource.apart():`` blocks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.resources import Resource

EVERY_TYPE = "*"
"""In place of a type: the rule looks at resources of all types."""


@dataclass(frozen=True)
class Objection:
    """What is wrong, and with which resource (None: with the stack as a whole)."""

    message: str
    resource: Resource | None = None


ParameterValue = float | str | bool | Sequence[str]


@dataclass(frozen=True)
class Parameter:
    """What the policy configuration may change: a number, a text, a switch or a list of texts, told by the default."""

    default: ParameterValue
    description: str
    """With its unit."""
    minimum: float | None = None
    """Of a number."""

    def schema(self) -> dict[str, Any]:
        """JSON schema of its values."""
        described: dict[str, Any] = {"description": self.description, "default": self.default}
        if isinstance(self.default, bool):
            return {"type": "boolean", **described}
        if isinstance(self.default, str):
            return {"type": "string", **described}
        if isinstance(self.default, int | float):
            return {"type": "number", "minimum": self.minimum or 0, **described}
        return {"type": "array", "items": {"type": "string"}, **described, "default": list(self.default)}


Check = Callable[..., Iterable[Any]]
"""Called with what the kind of rule judges, and with the rule's parameters by name."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule and what it is for. Make one with `resource_rule`, `related_rule` or `stack_rule`."""

    id: str
    title: str
    """What holds where the rule is kept."""
    severity: str
    """low | medium | high | critical"""
    frameworks: tuple[str, ...]
    """Where others ask for the same: Checkov (CKV…), CIS benchmarks with their section, NIST SP 800-53, guides."""
    wrong: str
    """What can happen otherwise."""
    mend: str
    """What to do about it."""
    check: Check
    kind: str
    """resource | related | stack"""
    types: tuple[str, ...]
    """The types of resource that it judges; of a rule of the stack, those that it looks at."""
    level: str = "mandatory"
    """mandatory: stops a deployment; advisory: is shown; disabled: is not asked."""
    topic: str = "security"
    """security | cost"""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def message(self, objection: str) -> str:
        """What the user is told: the objection, what can happen, and how to mend it."""
        return f"{objection} {self.wrong} To mend it: {self.mend}"

    def defaults(self) -> dict[str, ParameterValue]:
        """The parameters as they are without configuration."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def judges(self, type_: str) -> bool:
        """Whether the rule judges resources of a type."""
        return type_ in self.types or EVERY_TYPE in self.types


def resource_rule(*types: str, **described: Any) -> Callable[[Check], Rule]:
    """Decorates a function that yields what is wrong with one resource of these types."""
    return lambda check: Rule(check=check, kind="resource", types=types, **described)


def related_rule(*types: str, **described: Any) -> Callable[[Check], Rule]:
    """Decorates a function that yields what is wrong with one resource of these types, given the stack as well."""
    return lambda check: Rule(check=check, kind="related", types=types, **described)


def stack_rule(*types: str, **described: Any) -> Callable[[Check], Rule]:
    """Decorates a function that yields what is wrong with the stack, in which it looks at resources of these types."""
    return lambda check: Rule(check=check, kind="stack", types=types, **described)
