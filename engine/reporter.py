"""Tells the watcher what a deployment does, and keeps count of it."""

import threading
import time
from collections.abc import Callable

from engine import property_paths, resource_state
from engine import urn as urns
from engine.errors import Cancelled
from engine.events import Diagnostic, Event, Operation, Severity, StepFailed, StepFinished, StepStarted
from engine.resource_state import ResourceState
from engine.step import Decision


class Reporter:
    """Emits the events of steps and diagnostics; may be used from several threads."""

    def __init__(self, emit: Callable[[Event], None], *, every_state: bool) -> None:
        """With `every_state`, events carry the states of unchanged resources too."""
        self.emit = emit
        self.every_state = every_state
        self.failed = False
        self.packages: set[str] = set()
        """The packages of all custom resources that were seen."""
        self._changes: dict[str, int] = {}
        self._shown: list[Exception] = []
        self._lock = threading.Lock()

    @property
    def changes(self) -> dict[str, int]:
        """How many resources each logical operation was decided for; the engine's own providers do not count."""
        with self._lock:
            return dict(self._changes)

    def fail(self, urn: str, error: Exception) -> None:
        """Records that something went wrong and shows it, each error once; a cancellation is not news."""
        with self._lock:
            self.failed = True
            if isinstance(error, Cancelled) or error in self._shown:
                return
            self._shown.append(error)
        self.emit(Diagnostic(Severity.ERROR, str(error), urn))

    def notify(self, severity: Severity, message: str, urn: str = "") -> None:
        """Shows a message."""
        self.emit(Diagnostic(severity, message, urn))

    def started(
        self,
        operation: Operation,
        old: ResourceState | None,
        new: ResourceState | None,
        decision: Decision | None = None,
        *,
        logical: bool = True,
    ) -> float:
        """A step begins; returns the moment for `done`."""
        either = new or old
        assert either is not None
        with self._lock:
            # A read counts once it is known whether it found anything new.
            if logical and operation != Operation.READ and not urns.is_default_provider(either.urn):
                self._changes[operation] = self._changes.get(operation, 0) + 1
            if either.custom:
                self.packages.add(urns.package_of(either.type))
        shown = operation != Operation.SAME or self.every_state
        self.emit(
            StepStarted(
                operation=operation,
                urn=either.urn,
                logical=logical,
                custom=either.custom,
                parent=either.parent,
                provider=either.provider,
                old_state=resource_state.blinded(old) if old is not None and shown else None,
                new_state=resource_state.blinded(new) if new is not None and shown else None,
                replace_reasons=decision.replace_reasons if decision else [],
                diff_reasons=decision.diff_reasons if decision else [],
                detailed_diff=decision.detailed if decision else None,
                changed_secrets=property_paths.changed_secrets(old.inputs, new.inputs) if old and new and shown else [],
            )
        )
        return time.monotonic()

    def read_changed(self) -> None:
        """Counts a read that found other outputs than the last one did."""
        with self._lock:
            self._changes[Operation.READ] = self._changes.get(Operation.READ, 0) + 1

    def done(
        self, started: float, operation: Operation, urn: str, new: ResourceState | None, *, logical: bool = True
    ) -> None:
        """The step that began at `started` is done."""
        shown = operation != Operation.SAME or self.every_state
        state = resource_state.blinded(new) if new is not None and shown else None
        self.emit(StepFinished(operation, urn, logical, time.monotonic() - started, state))

    def step_failed(self, started: float, operation: Operation, urn: str) -> None:
        """The step that began at `started` did not succeed."""
        self.emit(StepFailed(operation, urn, time.monotonic() - started))

    def logical(
        self, operation: Operation, old: ResourceState, new: ResourceState, decision: Decision | None = None
    ) -> None:
        """A step that stands for others and does nothing itself: the replacement as a whole."""
        self.done(self.started(operation, old, new, decision), operation, new.urn, new)
