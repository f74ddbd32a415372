"""What the local platform's dynamic providers share: how they compare, and how they find out that something is gone.

A provider has no state and lives in an importable module, so that Pulumi pickles it as a short reference that stays
the same from run to run. Modules that are slow to import (boto3, psutil) are imported inside the methods.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, DiffResult, ReadResult, ResourceProvider
from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN
from typing_extensions import override

_PROVIDER_KEY = "__provider"
_told: set[tuple[str, str]] = set()

Properties = Mapping[str, Any]


class LocalProvider(ResourceProvider):
    """Create, find again, compare with the live world, delete."""

    serialize_as_secret_always = False
    kind: ClassVar[str]
    """What a person calls it."""
    updated_in_place: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change needs no replacement."""
    decisive: ClassVar[frozenset[str]] = frozenset({"instance", "folder"})
    """Inputs without which the resource cannot go on: the cloud or the folder that it is in."""
    not_compared: ClassVar[frozenset[str]] = frozenset()
    """Inputs that are not kept, or are compared by `digests`."""

    @override
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = [CheckFailure(name, reason) for name, reason in self.problems(olds, news).items()]
        return CheckResult(news, failures)

    @override
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        ignored = self.not_compared | {_PROVIDER_KEY}
        compared = {name: value for name, value in news.items() if name not in ignored} | self.digests(news)
        changed = [name for name, value in compared.items() if value != olds.get(name)]
        # What a preview does not know yet mostly turns out to be what it was: the output of something updated in place.
        replaces = [
            name
            for name in changed
            if name in self.decisive or not (is_unknown(compared[name]) or self.in_place(name, olds, compared))
        ]
        if not replaces:
            loss = self.loss(id_, olds)
            if loss is not None:
                tell(id_, f"{self.kind} {id_}: {loss}; it is made again")
                replaces = ["gone"]
            elif (unfinished := self.unfinished(id_, olds)) is not None:
                tell(id_, f"{self.kind} {id_}: {unfinished}")
                changed.append("unfinished")
        return DiffResult(changes=bool(changed or replaces), replaces=replaces, stables=[], delete_before_replace=True)

    @override
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """The resource as it is; an empty id asks for what a killed create has left behind for these inputs."""
        if id_:
            return ReadResult("", {}) if self.loss(id_, props) is not None else ReadResult(id_, props)
        found = self.find(props)
        return ReadResult("", {}) if found is None else ReadResult(*found)

    def problems(self, olds: Properties, news: Properties) -> dict[str, str]:
        """What is wrong with the inputs, by input. Values may be unknown in a preview."""
        return {}

    def in_place(self, name: str, olds: Properties, news: Properties) -> bool:
        """Whether the change of an input, which is known, needs no replacement."""
        return name in self.updated_in_place

    def digests(self, news: Properties) -> dict[str, str]:
        """Outputs that stand for inputs which are not kept."""
        return {}

    def loss(self, id_: str, olds: Properties) -> str | None:
        """Why the resource is not there any more; None if it is.

        Outputs may be unknown: secrets are, in a preview without passphrase.
        """
        return None

    def unfinished(self, id_: str, olds: Properties) -> str | None:
        """Why an update has to finish what was left half-done; None if nothing is."""
        return None

    def find(self, props: Properties) -> tuple[str, dict[str, Any]] | None:
        """Id and outputs of what there is already for these inputs."""
        return None


def tell(subject: str, text: str) -> None:
    """Prints a line for the user, once however often the engine asks."""
    if (subject, text) not in _told:
        _told.add((subject, text))
        print(text, flush=True)


def is_unknown(value: object) -> bool:
    """Whether a value is not known yet, itself or in part."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, Unknown) or value == UNKNOWN


def without_provider(properties: Properties) -> dict[str, Any]:
    """The resource's own properties, without the provider that Pulumi puts among them."""
    return {name: value for name, value in properties.items() if name != _PROVIDER_KEY}


def with_whole_numbers(value: Any) -> Any:
    """The value with integers where it has numbers without a fraction.

    Pulumi's protocol knows one kind of number, so every integer of the program arrives as a float.
    """
    if isinstance(value, Mapping):
        return {name: with_whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest_of(value: object) -> str:
    """A digest of a JSON value; UNKNOWN if a part of it is not known yet."""
    if is_unknown(value):
        return str(UNKNOWN)
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
