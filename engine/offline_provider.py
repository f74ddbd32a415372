"""Previews resources of packages whose plugin is not here: what nobody can know yet is unknown.

Inputs are taken as the program gives them, with the defaults that the real provider recorded at the last deployment;
a changed input means an update, since only the real provider knows what a change replaces.
"""

from engine import property_paths
from engine.errors import Unsupported
from engine.providers import Checked, Difference, Instance
from engine.values import Properties, Secret, Value

_DEFAULTS = "__defaults"


class OfflineProvider:
    """Stands in for the plugin of one package in a preview; every deployment through it is refused."""

    def __init__(self, package: str) -> None:
        self.package = package

    def check(self, urn: str, olds: Properties, news: Properties) -> Checked:
        """The program's inputs, completed by what the plugin defaulted before."""
        carried = _carry_defaults(olds, news)
        return Checked(carried if isinstance(carried, dict) else news)

    def diff(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> Difference:
        """Compares inputs with inputs."""
        detailed = property_paths.difference(old_inputs, news)
        return Difference(
            changes=bool(detailed),
            changed_keys=property_paths.top_level_keys(detailed),
            detailed={path: {"kind": kind, "inputDiff": True} for path, kind in detailed.items()},
        )

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        """Always refused."""
        raise self._refusal(urn)

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        """What was read at the last deployment; nothing new can be known."""
        return Instance(identifier, outputs)

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        """Always refused."""
        raise self._refusal(urn)

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        """Always refused."""
        raise self._refusal(urn)

    def close(self) -> None:
        """Nothing runs."""

    def _refusal(self, urn: str) -> Unsupported:
        return Unsupported(
            f"{urn} needs the {self.package} plugin, which the embedded engine does not run; use the pulumi command"
        )


def _carry_defaults(old: Value, new: Value) -> Value:
    # The Terraform bridge records in __defaults which inputs it chose itself; the program never sends those.
    if isinstance(new, Secret):
        return Secret(_carry_defaults(old.value if isinstance(old, Secret) else old, new.value))
    if isinstance(old, dict) and isinstance(new, dict):
        result = {key: _carry_defaults(old.get(key), value) for key, value in new.items()}
        defaults = old.get(_DEFAULTS)
        if isinstance(defaults, list):
            result.update((key, old[key]) for key in defaults if key in old and key not in result)
            result.setdefault(_DEFAULTS, defaults)
        return result
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return list(map(_carry_defaults, old, new))
    return new
