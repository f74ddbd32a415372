"""What the deployment tells whoever watches it: one message a happening, as one JSON line.

The deployment runs in a child process beside the program; the events travel to the parent over a pipe.
Their fields follow the engine events of Pulumi's Automation API, so a reader of one knows the other.
States in events are blinded: a secret is the string ``[secret]``, an unknown value is Pulumi's unknown sentinel.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class Operation(StrEnum):
    """What a step does to a resource, spelled as Pulumi spells it in `pulumi preview --json`."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    READ_REPLACEMENT = "read-replacement"
    DISCARD = "discard"
    DISCARD_REPLACED = "discard-replaced"


class Severity(StrEnum):
    """How serious a diagnostic is, spelled as Pulumi spells it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step is about to run (or, in a preview, would run).

    `logical` is False for the physical halves of a replacement (create-replacement, delete-replaced), which a summary
    of changes does not count. `old_state` and `new_state` have the shape of a checkpoint's resource; they are None for
    unchanged resources unless the watcher asked for every state.
    """

    type: ClassVar[str] = "step"
    operation: str
    urn: str
    logical: bool = True
    custom: bool = False
    parent: str = ""
    provider: str = ""
    old_state: dict[str, Any] | None = None
    new_state: dict[str, Any] | None = None
    replace_reasons: list[str] = field(default_factory=list)
    diff_reasons: list[str] = field(default_factory=list)
    detailed_diff: dict[str, dict[str, Any]] | None = None
    """Property path to {"kind": add|delete|update|add-replace|delete-replace|update-replace, "inputDiff": bool}."""
    changed_secrets: list[str] = field(default_factory=list)
    """Paths of inputs that change although both states show ``[secret]`` there; a preview's document has it not."""


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step is done; in a preview it follows at once. `new_state` as in StepStarted, now with the outputs."""

    type: ClassVar[str] = "step_done"
    operation: str
    urn: str
    logical: bool = True
    seconds: float = 0.0
    new_state: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed; the diagnostic that says why comes as an event of its own."""

    type: ClassVar[str] = "step_failed"
    operation: str
    urn: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class OutputsRegistered:
    """A component (or the stack) has declared its outputs; `changed` where they differ from the recorded ones."""

    type: ClassVar[str] = "outputs"
    urn: str
    changed: bool
    old_outputs: dict[str, Any] | None = None
    new_outputs: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message for the user; `urn` is empty where it concerns no resource. Ephemeral ones are progress only."""

    type: ClassVar[str] = "diagnostic"
    severity: str
    message: str
    urn: str = ""
    ephemeral: bool = False
    stream: int = 0


@dataclass(frozen=True, slots=True)
class PolicyViolation:
    """A policy pack objects to a resource, or, without a URN, to the stack. Levels: advisory, mandatory, remediate."""

    type: ClassVar[str] = "policy_violation"
    pack: str
    pack_version: str
    policy: str
    message: str
    level: str
    severity: str = ""
    urn: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPackLoaded:
    """A policy pack runs and has answered the handshake."""

    type: ClassVar[str] = "policy_pack"
    name: str
    version: str
    policies: int
    rules: list[dict[str, str]] = field(default_factory=list)
    """Each policy's `name`, `level` (as configured), `severity` and `description`; the latter two may be empty."""


@dataclass(frozen=True, slots=True)
class PolicyPackFailed:
    """A policy pack could not judge: it crashed, or a policy in it raised; a diagnostic of its own says why."""

    type: ClassVar[str] = "policy_pack_failed"
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The deployment or preview is over; always the last event.

    `outcome`: succeeded | failed | cancelled. `changes` counts logical operations. `outputs` are the stack's, blinded.
    `phases` maps a phase of the engine's work to the seconds it took.
    """

    type: ClassVar[str] = "finished"
    outcome: str
    changes: dict[str, int]
    seconds: float
    outputs: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    maybe_corrupt: bool = False
    cause: str = ""
    """Of a failure: configuration | program | resource | policy | locked | state | stack-not-found | engine."""
    plugins: list[str] = field(default_factory=list)
    """Packages whose plugin a deployment would need; only Python dynamic resources need none."""
    config: dict[str, str] = field(default_factory=dict)
    """The stack's configuration, secrets blinded, as `pulumi preview --json` shows it."""


Event = (
    StepStarted
    | StepFinished
    | StepFailed
    | OutputsRegistered
    | Diagnostic
    | PolicyViolation
    | PolicyPackLoaded
    | PolicyPackFailed
    | Finished
)

# Made once: there are thousands of events, and none contains itself.
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)

_KINDS: dict[str, Any] = {
    kind.type: kind
    for kind in (
        StepStarted,
        StepFinished,
        StepFailed,
        OutputsRegistered,
        Diagnostic,
        PolicyViolation,
        PolicyPackLoaded,
        PolicyPackFailed,
        Finished,
    )
}


def encode(event: Event) -> str:
    """The event as one line of JSON, without the newline."""
    fields = {name: getattr(event, name) for name in event.__slots__}
    return _ENCODER.encode({"type": event.type, **fields})


def decode(line: str) -> Event:
    """The event that `encode` wrote. Raises KeyError for a kind that does not exist."""
    fields = json.loads(line)
    event: Event = _KINDS[fields.pop("type")](**fields)
    return event
