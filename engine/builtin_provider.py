"""Resource types of Pulumi itself: a StackReference reads the outputs of another stack of the same backend."""

from collections.abc import Callable

from engine import urn as urns
from engine.errors import EngineError, Unsupported
from engine.providers import Checked, Difference, Instance
from engine.values import UNKNOWN, Properties, contains_secrets

STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"


class BuiltinProvider:
    """Serves `pulumi:pulumi:StackReference`; every other built-in type is refused by name."""

    def __init__(self, read_outputs: Callable[[str], Properties | None]) -> None:
        """`read_outputs` gives the outputs of the stack with that name, None where there is no such stack."""
        self._read_outputs = read_outputs

    def check(self, urn: str, olds: Properties, news: Properties) -> Checked:
        """Nothing to complete."""
        self._refuse_unless_reference(urn)
        return Checked(news)

    def diff(
        self, urn: str, identifier: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Difference:
        """The engine compares the inputs."""
        return Difference()

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        """A reference is read, not made."""
        raise self._refusal(urn)

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        """The referenced stack's outputs as they are recorded now."""
        self._refuse_unless_reference(urn)
        name = inputs.get("name")
        if name is UNKNOWN:
            return Instance(identifier, {})
        found = self._read_outputs(str(name))
        if found is None:
            raise EngineError(f"{urns.name_of(urn)!r} refers to the stack {name!r}, which does not exist")
        secret_names = sorted(key for key, value in found.items() if contains_secrets(value))
        return Instance(identifier, {"name": name, "outputs": found, "secretOutputNames": secret_names})

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        """A reference is read, not changed."""
        raise self._refusal(urn)

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        """Nothing exists but the record."""

    def close(self) -> None:
        """Nothing runs."""

    def _refuse_unless_reference(self, urn: str) -> None:
        if urns.type_of(urn) != STACK_REFERENCE_TYPE:
            raise self._refusal(urn)

    def _refusal(self, urn: str) -> Unsupported:
        return Unsupported(
            f"{urns.type_of(urn)} {urns.name_of(urn)!r} is a built-in type that the embedded engine does not support; "
            "use the pulumi command"
        )
