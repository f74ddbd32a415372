"""Carries out steps on resources: each one announced, recorded as pending, done by its provider and recorded as done.

In a preview everything happens but the provider's part. Methods raise EngineError where the provider fails.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from engine import urn as urns
from engine import values
from engine.errors import Cancelled, EngineError, StepError, Uncertain
from engine.events import Operation
from engine.goal import Goal
from engine.provider_registry import ProviderRegistry
from engine.providers import Instance, Provider
from engine.registrations import Registrations
from engine.replacement import dependents_to_replace
from engine.reporter import Reporter
from engine.resource_state import ResourceState
from engine.slots import Slots
from engine.snapshot import OperationType, Snapshot
from engine.step import Decision

Check = Callable[[Provider, str, values.Properties, values.Properties], values.Properties]


class Operations:
    """The steps of one deployment."""

    def __init__(
        self,
        *,
        dry_run: bool,
        parallel: int,
        snapshot: Snapshot,
        providers: ProviderRegistry,
        registrations: Registrations,
        reporter: Reporter,
        cancelled: threading.Event,
    ) -> None:
        self._dry_run = dry_run
        self._snapshot = snapshot
        self._providers = providers
        self._registrations = registrations
        self._reporter = reporter
        self._cancelled = cancelled
        self._slots = Slots(parallel)
        self._early_deletion = threading.Lock()

    def same(self, old: ResourceState, new: ResourceState) -> ResourceState:
        """Nothing changes but, perhaps, what is recorded of the resource's options."""
        started = self._reporter.started(Operation.SAME, old, new)
        new = with_secret_outputs(new.changed(id=old.id, outputs=old.outputs))
        if _alike(old, new):
            new.encoded = old.encoded
        self._snapshot.finish(add=new, drop=old, durable=False)
        self._reporter.done(started, Operation.SAME, new.urn, new)
        return new

    def create(
        self,
        goal: Goal,
        new: ResourceState,
        provider: Provider | None,
        operation: Operation = Operation.CREATE,
        decision: Decision | None = None,
        old: ResourceState | None = None,
        drop: ResourceState | None = None,
        retire: ResourceState | None = None,
    ) -> ResourceState:
        """Creates the resource; its record takes the place of `drop`, or marks `retire` as to be deleted."""
        logical = operation == Operation.CREATE
        announce = partial(self._reporter.started, operation, old, new, decision, logical=logical)
        now = timestamp()
        if provider is None or self._dry_run:
            started = announce()
            outputs = new.inputs if provider is not None else {}
            stamps = {} if self._dry_run else {"created": now, "modified": now}
            new = with_secret_outputs(new.changed(outputs=outputs, **stamps))
            self._snapshot.finish(add=new, drop=drop, change=retired(retire), durable=False)
        else:
            with self._running(announce, operation, "creating", new) as (started, ticket):
                instance = provider.create(new.urn, new.inputs, goal.custom_timeouts.get("create", 0.0))
                new = with_instance(new, instance).changed(created=now, modified=timestamp())
                self._snapshot.finish(ticket=ticket, add=new, drop=drop, change=retired(retire))
        self._reporter.done(started, operation, new.urn, new, logical=logical)
        return new

    def update(
        self, goal: Goal, old: ResourceState, new: ResourceState, provider: Provider | None, decision: Decision
    ) -> ResourceState:
        """Changes the resource in place."""
        announce = partial(self._reporter.started, Operation.UPDATE, old, new, decision)
        new = new.changed(id=old.id)
        if provider is None or self._dry_run:
            started = announce()
            outputs = new.inputs if provider is not None else old.outputs
            stamps = {} if self._dry_run else {"modified": timestamp()}
            new = with_secret_outputs(new.changed(outputs=outputs, **stamps))
            self._snapshot.finish(add=new, drop=old, durable=False)
        else:
            with self._running(announce, Operation.UPDATE, "updating", new) as (started, ticket):
                outputs = provider.update(
                    new.urn, old.id, old.inputs, old.outputs, new.inputs, goal.custom_timeouts.get("update", 0.0)
                )
                new = with_secret_outputs(new.changed(outputs=outputs, modified=timestamp()))
                self._snapshot.finish(ticket=ticket, add=new, drop=old)
        self._reporter.done(started, Operation.UPDATE, new.urn, new)
        return new

    def replace(
        self, goal: Goal, old: ResourceState, new: ResourceState, provider: Provider | None, decision: Decision
    ) -> ResourceState:
        """Puts a new resource in the old one's place: created before the old one is deleted, or the other way round."""
        if old.protect and new.protect:
            error = StepError(new.urn, protected("replace", new.urn))
            if not self._dry_run:
                raise error
            self._reporter.fail(new.urn, error)
        self._registrations.mark_replaced(new.urn)
        already_gone = old.pending_replacement
        if (decision.delete_before_replace or already_gone) and not old.external:
            if not already_gone:
                old = self._delete_before_replacement(old)
            self._reporter.logical(Operation.REPLACE, old, new, decision)
            return self.create(goal, new, provider, Operation.CREATE_REPLACEMENT, decision, old, drop=old)
        new = self.create(goal, new, provider, Operation.CREATE_REPLACEMENT, decision, old, retire=old)
        self._reporter.logical(Operation.REPLACE, old, new, decision)
        return new

    def _delete_before_replacement(self, old: ResourceState) -> ResourceState:
        """Deletes `old`, and before it whatever cannot outlive it; returns the record that now stands for `old`."""
        with self._early_deletion:
            doomed = self._registrations.condemn(
                lambda candidates: dependents_to_replace(old, candidates, self._providers.recorded)
            )
            try:
                for state in doomed:
                    if state.protect and not state.pending_replacement and not state.delete:
                        raise StepError(
                            state.urn,
                            f"{protected('replace', state.urn)}\nIt must go because {old.urn} is to be replaced.",
                        )
                going = {old.urn, *(state.urn for state in doomed)}
                for state in reversed(doomed):
                    if state.delete:
                        # A former one that the last run could not delete must not outlive what it depends on, either.
                        self.delete(state, Operation.DELETE_REPLACED, spared=state.deleted_with in going)
                    else:
                        self._delete_for_replacement(state, going)
            finally:
                self._registrations.release(doomed)
            return self._delete_for_replacement(old, going)

    def _delete_for_replacement(self, state: ResourceState, going: set[str]) -> ResourceState:
        if not state.pending_replacement:
            # It stays on record without being there, so that whoever looks knows that its replacement is still to come.
            gone = state.changed(pending_replacement=True)
            self.delete(state, Operation.DELETE_REPLACED, spared=state.deleted_with in going, leave=gone)
            state = gone
        self._registrations.mark_deleted_early(state)
        return state

    def delete(
        self, state: ResourceState, operation: Operation, *, spared: bool = False, leave: ResourceState | None = None
    ) -> None:
        """Deletes the resource; `spared` where it goes with another, `leave` is the record to put in its place."""
        if state.external:
            operation = Operation.DISCARD if operation == Operation.DELETE else Operation.DISCARD_REPLACED
        logical = operation in (Operation.DELETE, Operation.DISCARD)
        announce = partial(self._reporter.started, operation, state, None, logical=logical)
        nothing_to_do = spared or state.external or state.retain_on_delete or not state.custom
        if self._dry_run or nothing_to_do or urns.is_provider(state.type):
            started = announce()
            self._gone(state, leave, None)
        else:
            provider = self._providers.recorded(state)
            with self._running(announce, operation, "deleting", state) as (started, ticket):
                timeout = state.custom_timeouts.get("delete", 0.0)
                provider.delete(state.urn, state.id, state.inputs, state.outputs, timeout)
                self._gone(state, leave, ticket)
        self._reporter.done(started, operation, state.urn, None, logical=logical)

    def _gone(self, state: ResourceState, leave: ResourceState | None, ticket: int | None) -> None:
        durable = not self._dry_run
        if leave is None:
            self._snapshot.finish(ticket=ticket, drop=state, durable=durable)
        else:
            self._snapshot.finish(ticket=ticket, change=(state, leave), durable=durable)

    @contextmanager
    def _running(
        self, announce: Callable[[], float], operation: Operation, kind: OperationType, state: ResourceState
    ) -> Iterator[tuple[float, int]]:
        """Announces the step once nothing keeps it from running; gives the moment of that and the pending record."""
        with self._slots:
            if self._cancelled.is_set() or self._reporter.failed:
                raise Cancelled(f"{state.urn} was not touched: the deployment is stopping")
            ticket = self._snapshot.begin(kind, state)
            started = announce()
            try:
                yield started, ticket
            except EngineError as error:
                self._reporter.step_failed(started, operation, state.urn)
                # Before the slot is free: whoever waits for it must know.
                self._reporter.fail(state.urn, error)
                # Where nobody knows whether it happened, it stays on record as pending, and the next run finds out.
                if not isinstance(error, Uncertain):
                    self._snapshot.finish(ticket=ticket)
                raise


def retired(old: ResourceState | None) -> tuple[ResourceState, ResourceState] | None:
    """The change of record that marks `old` as to be deleted, its replacement being there."""
    return (old, old.changed(delete=True)) if old is not None else None


def with_instance(state: ResourceState, instance: Instance) -> ResourceState:
    """The state with what its provider made or read of it."""
    return with_secret_outputs(state.changed(id=instance.id, outputs=instance.outputs))


def with_secret_outputs(state: ResourceState) -> ResourceState:
    """The state with every output secret that was asked to be, or whose input of the same name is."""
    marked = {key for key, value in state.inputs.items() if isinstance(value, values.Secret)}
    marked.update(state.additional_secret_outputs)
    plain = [key for key in marked if key in state.outputs and not isinstance(state.outputs[key], values.Secret)]
    if not plain:
        return state
    return state.changed(outputs={**state.outputs, **{key: values.Secret(state.outputs[key]) for key in plain}})


def protected(action: str, urn: str) -> str:
    """The sentence that refuses to `action` a protected resource."""
    return (
        f"unable to {action} {urn}: it is protected. To unprotect it, remove the protect option from the program and "
        "run up first"
    )


def timestamp() -> str:
    """Now, as a checkpoint writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_COMPARED = tuple(name for name in ResourceState.__slots__ if name not in ("encoded", "inputs", "outputs"))


def _alike(old: ResourceState, new: ResourceState) -> bool:
    """Whether the new state is recorded in the same words as the old one."""
    if not all(getattr(old, name) == getattr(new, name) for name in _COMPARED):
        return False
    return values.identical(old.inputs, new.inputs) and values.identical(old.outputs, new.outputs)
