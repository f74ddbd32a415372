"""What a rule is: one function that yields what it objects to, and beside it all that a reader wants to know of it.

Rules know nothing of the policy SDK, so they are tested as plain functions; `__main__.py` makes policies of them.

A preview cannot know every value. A rule of one resource that looks at such a value is cut short there (reading it
raises the SDK's UnknownValueError) and is undecided; the update then decides. So it reads only what it needs, and
catches nothing. A rule of the stack judges all resources at once and is not to miss one for the sake of another: it
finds UNKNOWN in the value's place, and leaves that to the update.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Properties = Mapping[str, Any]

UNKNOWN: Final = object()
"""What a rule of the stack finds in place of a value that a preview cannot know."""

DYNAMIC = "pulumi-python:dynamic/"
LOCAL = f"{DYNAMIC}local:"
LOCAL_BUCKET = f"{LOCAL}Bucket"
LOCAL_CLOUD = f"{LOCAL}Cloud"
LOCAL_IDENTITY = f"{LOCAL}Identity"
LOCAL_JOB = f"{LOCAL}Job"
LOCAL_SERVICE = f"{LOCAL}Service"


@dataclass(frozen=True)
class Resource:
    """A resource as a rule sees it: its inputs where a resource rule looks, its outputs where a stack rule does."""

    type: str
    name: str
    properties: Properties
    urn: str = ""
    secret_outputs: Sequence[str] = ()
    """Outputs that the resource's options mark as secret."""


@dataclass(frozen=True)
class Objection:
    """What is wrong, and with which resource (None: with the stack as a whole)."""

    message: str
    resource: Resource | None = None


@dataclass(frozen=True)
class Parameter:
    """A number that the policy configuration may change."""

    default: float
    description: str
    minimum: float = 0


ResourceCheck = Callable[..., Iterable[str]]
"""Called with a resource, and the rule's parameters by name."""
StackCheck = Callable[..., Iterable[Objection]]
"""Called with all resources, and the rule's parameters by name."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule and what it is for. Make one with `resource_rule` or `stack_rule`."""

    id: str
    title: str
    """What holds where the rule is kept."""
    severity: str
    """low | medium | high | critical"""
    level: str
    """mandatory: stops a deployment; advisory: is shown."""
    frameworks: tuple[str, ...]
    """Where others ask for the same: identifiers of Checkov (CKV…), CIS benchmarks, and NIST SP 800-53."""
    wrong: str
    """What can happen otherwise."""
    mend: str
    """What to do about it."""
    check_resource: ResourceCheck | None = None
    check_stack: StackCheck | None = None
    types: tuple[str, ...] = ()
    """The types of resource that a resource rule looks at."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def message(self, objection: str) -> str:
        """What the user is told: the objection, what can happen, and how to mend it."""
        return f"{objection} {self.wrong} To mend it: {self.mend}"

    def defaults(self) -> dict[str, float]:
        """The parameters as they are without configuration."""
        return {name: parameter.default for name, parameter in self.parameters.items()}


def resource_rule(types: Sequence[str], **described: Any) -> Callable[[ResourceCheck], Rule]:
    """Decorates a function that yields what is wrong with one resource."""
    return lambda check: Rule(check_resource=check, types=tuple(types), **described)


def stack_rule(**described: Any) -> Callable[[StackCheck], Rule]:
    """Decorates a function that yields what is wrong with the stack, given all its resources."""
    return lambda check: Rule(check_stack=check, **described)


def allow_statements(document: Properties) -> Iterator[Properties]:
    """The statements of an IAM policy document that allow something; there may be one without a list around it."""
    statements = document["Statement"]
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if statement["Effect"] == "Allow":
            yield statement


def one_or_many(statement: Properties, key: str) -> list[str]:
    """The values of a statement's key, which IAM lets be one or a list; empty without the key."""
    if key not in statement:
        return []
    value = statement[key]
    return [value] if isinstance(value, str) else list(value)


_SECRET_WORDS = frozenset({"secret", "password", "passphrase", "token", "credential", "credentials"})
# What a name ends in that tells of a secret and does not hold it: token_count, secretName.
_ABOUT_A_SECRET = frozenset(
    {"arn", "count", "days", "enabled", "expiry", "hours", "length", "limit", "minutes", "name", "policy", "required"}
    | {"seconds", "size", "ttl", "type", "version"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def looks_secret(name: str) -> bool:
    """Whether a property of this name holds what nobody may read: ``secret_access_key``, ``adminPassword``."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words[-2:] in (["private", "key"], ["api", "key"]):
        return True
    return not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _ABOUT_A_SECRET


def names_within(value: Any) -> Iterator[str]:
    """The name of every property within a value."""
    if isinstance(value, Mapping):
        for name in value:
            yield name
            yield from names_within(value[name])
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for element in value:
            yield from names_within(element)
