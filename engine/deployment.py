"""One preview, update or destroy of one stack: what a program registers becomes steps, and the steps are carried out.

The monitor calls `register`, `read` and `register_outputs` while the program runs, each from a thread of its own, and
`finish` once it has ended; deletions come last, in reverse order of dependency. What to do is decided in engine.step,
engine.operations does it through the providers, and engine.snapshot keeps what has been done.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from engine import property_paths, values
from engine import urn as urns
from engine.deletion import run_in_dependency_order
from engine.errors import Cancelled, EngineError, StepError
from engine.events import Event, Operation, OutputsRegistered
from engine.goal import Goal, with_plugin
from engine.offline_provider import OfflineProvider
from engine.operations import Operations, protected, retired, timestamp, with_instance
from engine.plugin_provider import DYNAMIC_PACKAGE
from engine.provider_registry import ProviderRegistry
from engine.providers import Difference, Provider
from engine.registrations import Registrations
from engine.reporter import Reporter
from engine.resource_state import ResourceState
from engine.snapshot import Snapshot
from engine.step import Decision, decide


class Policies(Protocol):
    """Judges resources before they are touched, and the stack at the end."""

    def remediate(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> values.Properties:
        """The inputs as policies that mend them leave them."""
        ...

    def check_resource(self, goal: Goal, state: ResourceState, provider: ResourceState | None) -> bool:
        """Reports violations, in a preview later; True where the resource may be deployed."""
        ...

    def conclude(self, states: Sequence[ResourceState] | None, stop: Callable[[], bool]) -> bool:
        """Reports a preview's violations, and those of all states together; True where none is mandatory.

        Raises StepError where a resource could not be judged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stack:
    """Which stack is deployed, and how."""

    organization: str
    project: str
    name: str
    dry_run: bool = False
    parallel: int = 16
    """How many steps may run at the same time."""
    every_state: bool = False
    """Whether events carry the states of unchanged resources too."""


class Deployment:
    """See the module. Methods raise EngineError; after any failure no further registration is accepted."""

    def __init__(
        self,
        stack: Stack,
        olds: list[ResourceState],
        *,
        snapshot: Snapshot,
        providers: ProviderRegistry,
        emit: Callable[[Event], None],
        policies: Policies | None = None,
    ) -> None:
        self.stack = stack
        self.reporter = Reporter(emit, every_state=stack.every_state)
        self.violated = False
        """Whether a mandatory policy is violated."""
        self._snapshot = snapshot
        self._providers = providers
        self._policies = policies
        self._cancelled = threading.Event()
        self._outputs_lock = threading.Lock()
        self._given_stack_outputs: tuple[str, values.Properties] | None = None
        self._registrations = Registrations(stack.name, stack.project, olds, snapshot)
        self._operations = Operations(
            dry_run=stack.dry_run,
            parallel=stack.parallel,
            snapshot=snapshot,
            providers=providers,
            registrations=self._registrations,
            reporter=self.reporter,
            cancelled=self._cancelled,
        )
        providers.bind(self._register_provider)

    @property
    def failed(self) -> bool:
        """Whether any step failed or was refused."""
        return self.reporter.failed

    @property
    def cancelled(self) -> bool:
        """Whether the user has asked to stop."""
        return self._cancelled.is_set()

    @property
    def stack_outputs(self) -> values.Properties:
        """What the program exported."""
        return next((state.outputs for state in self._snapshot.states() if state.is_stack), {})

    def cancel(self) -> None:
        """Lets running steps finish and begins no other."""
        self._cancelled.set()

    # What the program asks for

    def register(self, goal: Goal) -> ResourceState:
        """Takes the resource to its goal; returns its new state, in a preview the state it would have."""
        self._check_accepting()
        return self._register(goal)

    def read(self, goal: Goal) -> ResourceState:
        """Reads a resource that exists already; it enters the state as external and is never deleted."""
        self._check_accepting()
        urn, goal, old = self._registrations.enter(goal)
        with self._reporting(urn):
            reference, provider = self._providers.of(goal)
            new = _desired(goal, urn, goal.inputs, reference).changed(id=goal.id, external=True)
            replaced = old if old is not None and not old.external and old.id != goal.id else None
            operation = Operation.READ_REPLACEMENT if replaced else Operation.READ
            started = self.reporter.started(operation, old, new, logical=not replaced)
            if goal.id != values.UNKNOWN_SENTINEL:
                # What is known of a resource that a program reads is what the program says of it, as in Pulumi.
                remembered = (
                    old.outputs if old and old.id == goal.id and isinstance(provider, OfflineProvider) else None
                )
                found = provider.read(urn, goal.id, goal.inputs, goal.inputs if remembered is None else remembered)
                if found is None:
                    raise StepError(urn, f"{goal.type} {goal.name!r} with id {goal.id!r} does not exist")
                new = _read_again(old, with_instance(new, found))
            else:
                new = new.changed(id="")
            self._snapshot.finish(
                add=new, drop=None if replaced else old, change=retired(replaced), durable=not self.stack.dry_run
            )
            self.reporter.done(started, operation, urn, new, logical=not replaced)
            if operation == Operation.READ and old is not None and not values.same(old.outputs, new.outputs):
                self.reporter.read_changed()
            if replaced is not None:
                self.reporter.logical(Operation.REPLACE, replaced, new)
            return self._registrations.settle(new)

    def register_outputs(self, urn: str, outputs: values.Properties) -> None:
        """Records what a component declares as its outputs; the stack's own are kept back until the end."""
        state = self._registrations.new(urn)
        if state is None:
            raise EngineError(f"outputs were registered for {urn}, which was not registered before")
        if state.is_stack:
            self._given_stack_outputs = urn, outputs
        else:
            self._record_outputs(urn, outputs)

    def _record_outputs(self, urn: str, outputs: values.Properties) -> None:
        with self._outputs_lock:
            state = self._registrations.new(urn)
            assert state is not None
            if not values.identical(state.outputs, outputs):
                changed = state.changed(outputs=outputs)
                self._snapshot.finish(change=(state, changed), durable=False)
                self._registrations.settle(changed)
        old = self._registrations.old(urn)
        before = old.outputs if old else {}
        differs = not values.same(before, outputs)
        shown = differs or self.stack.every_state
        self.reporter.emit(
            OutputsRegistered(
                urn, differs, values.blind(before) if shown else None, values.blind(outputs) if shown else None
            )
        )

    # How it ends

    def finish(self, *, delete: bool) -> None:
        """Deletes what is not wanted any more, where `delete`, lets policies judge the stack, and makes all durable."""
        complete = False
        try:
            if delete and not self.failed and not self.cancelled:
                self._delete_unwanted()
            if self._policies is not None and not self.cancelled:
                self._conclude(self._policies, whole=delete and not self.failed)
            complete = delete and not self.failed and not self.cancelled
        finally:
            self._settle_stack_outputs(complete=complete)
            self._snapshot.commit()

    def _conclude(self, policies: Policies, *, whole: bool) -> None:
        """Lets policies judge the `whole` stack, also where a resource violates one in a preview, as Pulumi does."""
        states = [state for state in self._snapshot.states() if not state.delete] if whole else None
        try:
            allowed = policies.conclude(states, lambda: self.cancelled)
        except StepError as error:
            self.reporter.fail(error.urn, error)
            return
        if not allowed:
            self.violated = self.reporter.failed = True

    def _settle_stack_outputs(self, *, complete: bool) -> None:
        """Records the stack's outputs; where not everything was done, those that it had and was not given anew stay."""
        if self._given_stack_outputs is None:
            return
        urn, outputs = self._given_stack_outputs
        old = self._registrations.old(urn)
        self._record_outputs(urn, outputs if complete or old is None else {**old.outputs, **outputs})

    def _delete_unwanted(self) -> None:
        unwanted = self._snapshot.untouched()
        doomed = {state.urn for state in unwanted}
        for state in unwanted:
            if state.protect and not state.delete:
                self.reporter.fail(state.urn, StepError(state.urn, protected("delete", state.urn)))
        if self.failed and not self.stack.dry_run:
            return

        def delete(state: ResourceState) -> None:
            if state.pending_replacement:
                self._snapshot.finish(drop=state)
                return
            operation = Operation.DELETE_REPLACED if state.delete else Operation.DELETE
            with self._reporting(state.urn):
                self._operations.delete(state, operation, spared=state.deleted_with in doomed)

        if self.stack.dry_run:
            for state in reversed(unwanted):
                delete(state)
        else:
            run_in_dependency_order(
                unwanted, delete, parallel=self.stack.parallel, stop=lambda: self.failed or self.cancelled
            )

    # Registration, step by step

    def _register(self, goal: Goal) -> ResourceState:
        urn, goal, old = self._registrations.enter(with_plugin(goal))
        with self._reporting(urn):
            reference, provider = self._providers.of(goal) if goal.custom else ("", None)
            inputs = goal.inputs
            # What is made anew, or was only read so far, has no values of its own to keep.
            if old is not None and goal.ignore_changes and not old.pending_replacement and not old.external:
                paths = [property_paths.parse(path) for path in goal.ignore_changes]
                inputs = property_paths.restore(inputs, old.inputs, paths)
            if provider is not None:
                keeps = old is not None and not old.external and not old.pending_replacement
                inputs = _checked(provider, urn, old.inputs if old and keeps else {}, inputs)
            new = _desired(goal, urn, inputs, reference, old)
            if self._policies is not None and not urns.is_provider(goal.type):
                goal, new = self._judged(self._policies, goal, new)
            return self._registrations.settle(self._carry_out(goal, old, new, provider))

    def _register_provider(self, goal: Goal) -> ResourceState:
        known = self._registrations.new(self._registrations.urn_of(goal))
        return known if known is not None else self._register(goal)

    def _judged(self, policies: Policies, goal: Goal, new: ResourceState) -> tuple[Goal, ResourceState]:
        """The goal and the state with what policies have mended. Raises Cancelled where one forbids an update."""
        provider = self._registrations.new(urns.split_provider_reference(new.provider)[0]) if new.provider else None
        inputs = policies.remediate(goal, new, provider)
        if inputs is not new.inputs:
            # A replacement takes its inputs from the goal.
            goal = replace(goal, inputs=goal.inputs | _changes(new.inputs, inputs))
            new = new.changed(inputs=inputs)
        if not policies.check_resource(goal, new, provider):
            self.violated = self.reporter.failed = True
            if not self.stack.dry_run:
                raise Cancelled(f"{new.urn} violates a mandatory policy")
        return goal, new

    def _carry_out(
        self, goal: Goal, old: ResourceState | None, new: ResourceState, provider: Provider | None
    ) -> ResourceState:
        if old is None:
            return self._operations.create(goal, new, provider)
        decision = self._decide(goal, old, new, provider)
        match decision.operation:
            case Operation.REPLACE:
                if provider is not None and not old.pending_replacement and not old.external:
                    # The defaults carried over from the old resource do not hold for a new one.
                    new = new.changed(inputs=_checked(provider, new.urn, {}, goal.inputs))
                return self._operations.replace(goal, old, new, provider, decision)
            case Operation.UPDATE:
                return self._operations.update(goal, old, new, provider, decision)
            case _:
                return self._operations.same(old, new)

    def _decide(self, goal: Goal, old: ResourceState, new: ResourceState, provider: Provider | None) -> Decision:
        early = self._registrations.deleted_early(new.urn)
        if early is not None:
            return Decision(Operation.REPLACE, early, delete_before_replace=True)
        if old.external:
            return Decision(Operation.REPLACE)
        recorded = old
        old = _readable(old, new)
        if goal.deleted_with and self._registrations.is_replaced(goal.deleted_with):
            difference = Difference(True, ["deletedWith"])
        elif self._provider_changed(old, new):
            difference = Difference(True, ["provider"])
        elif provider is None:
            alike = values.same(old.inputs, new.inputs) and values.same_secrecy(old.inputs, new.inputs)
            difference = Difference(changes=not alike)
        elif old is not recorded and values.same(old.inputs, new.inputs):
            difference = Difference(changes=False)
        else:
            difference = provider.diff(new.urn, old.id, old.inputs, old.outputs, new.inputs)
        return decide(goal, old, new.inputs, difference)

    def _provider_changed(self, old: ResourceState, new: ResourceState) -> bool:
        if old.provider == new.provider:
            return False
        if not old.provider or not new.provider:
            return True
        old_urn, _ = urns.split_provider_reference(old.provider)
        new_urn, _ = urns.split_provider_reference(new.provider)
        if all(map(_is_default_dynamic, (old_urn, new_urn))):
            # Whatever version the program asks for, and however the stack is configured, the SDK serves them.
            return False
        if self._registrations.former_urn(new_urn) == old_urn:
            return self._registrations.is_replaced(new_urn)
        before, now = self._registrations.old(old_urn), self._registrations.new(new_urn)
        return before is None or now is None or _configured_otherwise(before, now)

    def _check_accepting(self) -> None:
        if self.cancelled or (self.failed and not self.stack.dry_run):
            raise Cancelled("the deployment is stopping")

    @contextmanager
    def _reporting(self, urn: str) -> Iterator[None]:
        try:
            yield
        except EngineError as error:
            self.reporter.fail(urn, error)
            raise


def _desired(
    goal: Goal, urn: str, inputs: values.Properties, provider: str, old: ResourceState | None = None
) -> ResourceState:
    """The state that the goal asks for, before anything is known of its outputs."""
    return ResourceState(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        inputs=inputs,
        parent=goal.parent,
        protect=bool(goal.protect),
        dependencies=goal.dependencies,
        provider=provider,
        property_dependencies=goal.property_dependencies,
        additional_secret_outputs=goal.additional_secret_outputs,
        custom_timeouts=goal.custom_timeouts,
        retain_on_delete=bool(goal.retain_on_delete),
        deleted_with=goal.deleted_with,
        created=old.created if old else "",
        modified=old.modified if old else "",
        ignore_changes=goal.ignore_changes,
        replace_on_changes=goal.replace_on_changes,
        opaque=goal.opaque,
    )


def _readable(old: ResourceState, new: ResourceState) -> ResourceState:
    """The old state for comparison: secrets that cannot be decrypted here are taken to be as the program has them."""
    if not values.contains_unknowns(old.inputs) and not values.contains_unknowns(old.outputs):
        return old
    return old.changed(
        inputs=values.assume_unchanged(old.inputs, new.inputs),
        outputs=values.assume_unchanged(old.outputs, new.inputs),
    )


def _read_again(old: ResourceState | None, new: ResourceState) -> ResourceState:
    """The state of a resource just read, with the times of the last read where there was one."""
    if old is None:
        return new
    alike = values.same(old.inputs, new.inputs) and values.same(old.outputs, new.outputs)
    return new.changed(created=old.created, modified=old.modified if alike else timestamp())


def _checked(provider: Provider, urn: str, olds: values.Properties, news: values.Properties) -> values.Properties:
    checked = provider.check(urn, olds, news)
    if checked.failures:
        reasons = "; ".join(
            f"{failure.property}: {failure.reason}" if failure.property else failure.reason
            for failure in checked.failures
        )
        raise StepError(urn, f"{urns.type_of(urn)} {urns.name_of(urn)!r} is not valid: {reasons}")
    return checked.inputs


def _changes(before: values.Properties, after: values.Properties) -> values.Properties:
    return {key: value for key, value in after.items() if key not in before or not values.identical(before[key], value)}


def _is_default_dynamic(urn: str) -> bool:
    return urns.is_default_provider(urn) and urns.type_of(urn) == urns.PROVIDER_TYPE_PREFIX + DYNAMIC_PACKAGE


def _configured_otherwise(before: ResourceState, now: ResourceState) -> bool:
    """Whether another provider manages other resources, as far as that can be told without asking its plugin.

    What the plugin may have filled in is left out: for a default provider all that is not configured on both sides.
    """
    ignored = {"version", "pluginDownloadURL", "__internal", "__defaults", *(before.inputs.get("__defaults") or ())}
    keys = before.inputs.keys() | now.inputs.keys()
    if urns.is_default_provider(before.urn) and urns.is_default_provider(now.urn):
        keys = before.inputs.keys() & now.inputs.keys()
    return any(not values.same(before.inputs.get(key), now.inputs.get(key)) for key in keys - ignored)
