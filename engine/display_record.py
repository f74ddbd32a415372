"""What a deployment's events have told so far, kept for views: rows of resources, diagnostics, violations, outputs.

Unchanged resources cost a dictionary entry each and nothing more, until something is said of them.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from engine import display_difference, property_paths
from engine import urn as urns
from engine.events import (
    Diagnostic,
    Event,
    Finished,
    Operation,
    OutputsRegistered,
    PolicyPackFailed,
    PolicyPackLoaded,
    PolicyViolation,
    Severity,
    StepFailed,
    StepFinished,
    StepStarted,
)

SAME: Final = str(Operation.SAME)
_REPLACEMENTS: Final = (Operation.CREATE_REPLACEMENT, Operation.READ_REPLACEMENT)


@dataclass(slots=True)
class Row:
    """One resource as a view shows it."""

    urn: str
    operation: str
    """The logical operation where one is known, else the last physical one."""
    step: str
    """The operation that runs or ran last."""
    logical: bool
    custom: bool
    protected: bool = False
    difference: str = ""
    """The short difference, ``~name,tags``."""
    started: float = 0.0
    """When the last step began, by the view's clock."""
    seconds: float = 0.0
    """How long all steps took that have ended."""
    running: bool = True
    failed: bool = False
    replaced: bool = False
    """The replacement exists; until then a resource that is deleted first has lost only its original."""
    last_message: Diagnostic | None = None
    messages: dict[str, int] = field(default_factory=dict)
    """How many messages of each severity there were, ephemeral ones left out."""

    @property
    def is_interesting(self) -> bool:
        """Whether it is shown for its own sake, not only for its children's."""
        return self.operation != SAME or self.failed or bool(self.messages) or bool(self.difference)


class Record:
    """The state of a deployment, fed event by event through `add`."""

    def __init__(self, *, show_same: bool = False) -> None:
        self.show_same = show_same
        self.rows: dict[str, Row] = {}
        """Interesting resources (all of them, with `show_same`), in the order in which they were first seen."""
        self.parents: dict[str, str] = {}
        """Parent of each resource that was seen."""
        self.stack = ""
        """The stack's URN, once known."""
        self.diagnostics: list[Diagnostic] = []
        self.violations: list[PolicyViolation] = []
        self.packs: list[PolicyPackLoaded] = []
        self.failed_packs: set[tuple[str, str]] = set()
        """Name and version of each policy pack that could not judge."""
        self.old_outputs: dict[str, Any] = {}
        self.new_outputs: dict[str, Any] | None = None
        """The stack's outputs where they differ from the old ones."""
        self.finished: Finished | None = None
        self.started: dict[str, int] = {}
        """Logical steps begun, by operation."""
        self.done: dict[str, int] = {}
        """Logical steps done, by operation."""
        self._logical: dict[str, str] = {}

    def add(self, event: Event, now: float = 0.0) -> Row | None:
        """Takes note of the event; returns the row that it concerns, if it is one that is shown."""
        match event:
            case StepStarted():
                return self._begin(event, now)
            case StepFinished():
                return self._end(event)
            case StepFailed():
                return self._fail(event)
            case Diagnostic():
                return self._message(event)
            case OutputsRegistered():
                if event.urn == self.stack and event.new_outputs is not None:
                    self.old_outputs, self.new_outputs = event.old_outputs or {}, event.new_outputs
            case PolicyViolation():
                self.violations.append(event)
            case PolicyPackLoaded():
                self.packs.append(event)
            case PolicyPackFailed():
                self.failed_packs.add((event.name, event.version))
            case Finished():
                self.finished = event
        return None

    def ancestors(self, urn: str) -> list[str]:
        """The URN of the parent, of its parent and so on."""
        found: list[str] = []
        parent = self.parents.get(urn, "")
        while parent and parent not in found:
            found.append(parent)
            parent = self.parents.get(parent, "")
        return found

    def _begin(self, event: StepStarted, now: float) -> Row | None:
        urn = event.urn
        if urns.is_default_provider(urn):
            return None
        if not self.stack:
            self.stack = next((one for one in (urn, event.parent) if one and urns.type_of(one) == urns.STACK_TYPE), "")
        self.parents.setdefault(urn, event.parent)
        operation = str(event.operation)
        if event.logical:
            self.started[operation] = self.started.get(operation, 0) + 1
        row = self.rows.get(urn)
        if row is None:
            states = event.old_state and event.new_state
            if operation == SAME and not self.show_same and not states:
                return None
            row = Row(urn, operation, operation, event.logical, event.custom)
            row.difference = _difference(event)
            if not row.is_interesting and not self.show_same:
                return None
            self.rows[urn] = row
        else:
            row.difference = row.difference or _difference(event)
            if event.logical or not self._logical.get(urn):
                row.operation = operation
            row.step, row.logical, row.custom = operation, event.logical, event.custom
        if event.logical:
            self._logical[urn] = operation
        row.running, row.started = True, now
        row.protected = row.protected or bool((event.new_state or event.old_state or {}).get("protect"))
        return row

    def _end(self, event: StepFinished) -> Row | None:
        if urns.is_default_provider(event.urn):
            return None
        if event.logical:
            operation = str(event.operation)
            self.done[operation] = self.done.get(operation, 0) + 1
        row = self.rows.get(event.urn)
        if row is not None:
            row.running = False
            row.seconds += event.seconds
            row.replaced = row.replaced or event.operation in _REPLACEMENTS
        return row

    def _fail(self, event: StepFailed) -> Row | None:
        row = self._row(event.urn)
        row.step = str(event.operation)
        row.running, row.failed = False, True
        row.seconds += event.seconds
        return row

    def _message(self, event: Diagnostic) -> Row | None:
        if not event.ephemeral:
            self.diagnostics.append(event)
        urn = event.urn or self.stack
        if not urn:
            return None
        row = self._row(urn)
        severity = str(event.severity)
        if not event.ephemeral:
            row.messages[severity] = row.messages.get(severity, 0) + 1
            # Before a step on it was begun, as when its inputs are refused; the program itself fails with the stack.
            row.failed = row.failed or (severity == Severity.ERROR and row.step == SAME)
        worst = row.last_message
        if worst is None or worst.severity != Severity.ERROR or severity == Severity.ERROR:
            row.last_message = event
        return row

    def _row(self, urn: str) -> Row:
        """The row of a resource that was of no interest until now."""
        row = self.rows.get(urn)
        if row is None:
            row = self.rows[urn] = Row(urn, SAME, SAME, logical=True, custom=False, running=False)
        return row

    @property
    def failures(self) -> int:
        """How many resources have failed, with an error on them or in a step."""
        return sum(1 for row in self.rows.values() if row.failed or row.messages.get(Severity.ERROR))

    def counts(self, *, planned: bool) -> dict[str, int]:
        """How many resources each logical operation concerns: what is planned, or what was done without failing."""
        if planned:
            return dict(self.started)
        counts = dict(self.done)
        replace = str(Operation.REPLACE)
        if replace in counts:
            done = (row for row in self.rows.values() if row.replaced and not row.failed)
            counts[replace] = sum(1 for _ in done)
        return counts


def _difference(event: StepStarted) -> str:
    old, new = event.old_state, event.new_state
    if not old or not new:
        return display_difference.short_difference(display_difference.changed_keys({}, {}, event.detailed_diff))
    keys: dict[str, str] = {}
    if event.operation != Operation.SAME:
        keys = display_difference.changed_keys(old.get("inputs") or {}, new.get("inputs") or {}, event.detailed_diff)
        for path in event.changed_secrets:
            keys.setdefault(str(property_paths.parse(path)[0]), "~")
        if not keys:
            keys = dict.fromkeys(event.diff_reasons, "~")
    for name in ("provider", "protect"):
        if (old.get(name) or "") != (new.get(name) or ""):
            keys[name] = "~"
    return display_difference.short_difference(keys)
