"""What a preview from an empty state says that a stack is made of: its resources, outputs and settings. Pure.

Values are shown ones: a secret is `[secret]`, an unknown value `[unknown]`, an asset its digest, and the folder that
the revision lies in `.`, since it is another one at each revision and on each machine.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import urn as urns
from engine.events import Diagnostic, Event, Finished, PolicyPackFailed, PolicyViolation, Severity, StepStarted
from engine.values import SIGNATURE, UNKNOWN_SENTINEL, as_json
from lifecycle.changes.report import UNKNOWN

_READ = {"read", "read-replacement"}
_LONGEST_PROBLEM = 4000
_LAST_WORDS = 10
"""Lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One resource as the program asks for it."""

    urn: str
    type: str
    name: str
    parent: str = ""
    custom: bool = True
    """Whether it is something by itself. A component is not: it only holds others together."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    provider: str = ""
    """URN of its provider."""
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    """URN; empty: none."""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """URNs of all that has to be there first."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """URNs of what each input is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the program makes of the stack, in the order in which it does."""

    resources: Mapping[str, Planned]
    """By URN, the stack itself included."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    """What a price is made from: the configuration and steps of a preview document."""
    problem: str = ""
    """Why there is no plan; empty: there is one."""
    cause: str = ""
    """Of a problem: the cause that `engine.events.Finished` names."""


def plan_of(events: Iterable[Event], folder: Path) -> Plan:
    """The plan that a preview's events tell, asked for with every state.

    :param folder: The project's folder at that revision.
    """
    show = _Shown(folder)
    resources: dict[str, Planned] = {}
    steps: list[dict[str, Any]] = []
    errors: list[str] = []
    printed: list[str] = []
    pack_failed = violated = False
    finished = Finished("failed", {}, 0.0, cause="engine")
    for event in events:
        match event:
            case StepStarted(new_state=dict() as state) if event.logical and event.operation not in _READ:
                if not urns.is_default_provider(event.urn):
                    as_it_is = as_json(state)
                    steps.append({"op": str(event.operation), "newState": as_it_is})
                    resources[event.urn] = _planned(as_it_is, show)
            case Diagnostic() if event.severity == Severity.ERROR:
                errors.append(event.message.strip())
            case Diagnostic() if event.severity == Severity.INFO and not event.ephemeral:
                printed.append(event.message.strip())
            case PolicyPackFailed():
                pack_failed = True
            case PolicyViolation():
                violated = violated or event.level == "mandatory"
            case Finished():
                finished = event
            case _:
                pass
    problem = ""
    # A preview with violations fails too, and has still told everything.
    judged = finished.cause == "policy" and violated and not pack_failed and not errors
    if finished.outcome != "succeeded" and not judged:
        # A process that ended by itself, before any resource, has said why in what it printed.
        last_words = [] if resources else printed[-_LAST_WORDS:]
        told = "\n".join([*errors, *last_words]) or f"the preview {finished.outcome}"
        problem = show.text(told)[:_LONGEST_PROBLEM]
    return Plan(
        resources={} if problem else resources,
        outputs={key: show.value(value) for key, value in as_json(finished.outputs).items()},
        document={"config": finished.config, "steps": steps},
        problem=problem,
        cause=(finished.cause or finished.outcome) if problem else "",
    )


class _Shown:
    """Makes values comparable that were found in a folder."""

    def __init__(self, folder: Path) -> None:
        found = {str(folder), str(folder.resolve())} - {"/"}
        either = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
        self._folders = tuple(found)
        self._folder = re.compile(rf"(?:{either})(?![\w.-])") if found else None

    def text(self, value: str) -> str:
        if self._folder is None or not any(folder in value for folder in self._folders):
            return value
        return self._folder.sub(".", value)

    def value(self, value: Any) -> Any:
        match value:
            case str():
                return UNKNOWN if value == UNKNOWN_SENTINEL else self.text(value)
            case list():
                return [self.value(each) for each in value]
            case dict() if SIGNATURE in value:
                return self._signed(value)
            case dict():
                return {key: self.value(each) for key, each in value.items() if not key.startswith("__")}
            case _:
                return value

    def _signed(self, value: Mapping[str, Any]) -> Any:
        """An asset, an archive or a reference to a resource, as text."""
        if "urn" in value:
            return str(value["urn"])
        kind = "archive" if "assets" in value else "asset"
        if value.get("hash"):
            return f"{kind} sha256:{value['hash']}"
        return next((f"{kind} {self.text(str(value[key]))}" for key in ("path", "uri", "text") if value.get(key)), kind)


def _planned(state: Mapping[str, Any], show: _Shown) -> Planned:
    urn = str(state["urn"])
    provider = str(state.get("provider") or "")
    return Planned(
        urn=urn,
        type=str(state["type"]),
        name=urns.name_of(urn),
        parent=str(state.get("parent") or ""),
        custom=bool(state.get("custom")),
        inputs=show.value(state.get("inputs") or {}),
        provider=provider.rpartition("::")[0],
        protect=bool(state.get("protect")),
        retain_on_delete=bool(state.get("retainOnDelete")),
        deleted_with=str(state.get("deletedWith") or ""),
        ignore_changes=tuple(state.get("ignoreChanges") or ()),
        replace_on_changes=tuple(state.get("replaceOnChanges") or ()),
        dependencies=tuple(sorted(_all_dependencies(state))),
        property_dependencies={
            key: tuple(sorted(found or ())) for key, found in (state.get("propertyDependencies") or {}).items()
        },
    )


def _all_dependencies(state: Mapping[str, Any]) -> set[str]:
    found = set(state.get("dependencies") or ())
    for named in (state.get("propertyDependencies") or {}).values():
        found.update(named or ())
    return found - {state["urn"]}
