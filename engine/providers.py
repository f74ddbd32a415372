"""What the engine asks of whoever manages a kind of resource, whatever stands behind it.

The methods are those of Pulumi's ResourceProvider protocol, on decoded property values.
"""

from dataclasses import dataclass, field
from typing import Protocol

from engine.values import Properties, Value, as_secret, contains_secrets


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One input that the provider refuses, and why."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The inputs as the provider will use them, and what it refuses."""

    inputs: Properties
    failures: list[CheckFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """What the provider makes of old and new; `changes` is None where it leaves the comparison to the engine."""

    changes: bool | None = None
    replaces: list[str] = field(default_factory=list)
    changed_keys: list[str] = field(default_factory=list)
    delete_before_replace: bool = False
    detailed: dict[str, dict[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A resource as it exists: its id and outputs, and its inputs where the provider read them back."""

    id: str
    outputs: Properties
    inputs: Properties | None = None


class Provider(Protocol):
    """Manages resources of one package. Every method raises engine.errors.EngineError with the provider's words."""

    def check(self, urn: str, olds: Properties, news: Properties) -> Checked:
        """Validate `news` and fill in defaults, given the inputs `olds` of the last deployment (empty: none)."""
        ...

    def diff(
        self, urn: str, identifier: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Difference:
        """Compare the deployed resource with the checked inputs `news`, which may hold unknowns in a preview."""
        ...

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        """Create the resource; a time-out of 0 leaves the limit to the provider."""
        ...

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        """The resource as it is now, or None where it does not exist.

        With an empty `identifier`: what an interrupted create with these inputs has left behind, where the provider
        can tell.
        """
        ...

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        """Change the resource in place; returns its outputs."""
        ...

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        """Delete the resource; one that is gone already is no error."""
        ...

    def close(self) -> None:
        """End whatever the provider runs."""
        ...


def mark_secrets(values: Properties, inputs: Properties) -> Properties:
    """`values` with every key secret whose input of the same name is: for providers that cannot carry the mark."""
    return {key: _mark(value, inputs[key]) if key in inputs else value for key, value in values.items()}


def _mark(value: Value, source: Value) -> Value:
    if isinstance(value, dict) and isinstance(source, dict):
        return mark_secrets(value, source)
    # Of a list the whole is secret: a provider may have put its elements in another order.
    return as_secret(value) if contains_secrets(source) else value
