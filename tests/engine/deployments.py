"""Deployments within the test's own process: goals in, a fake cloud behind, and what happened out.

The engine under test is whole but for the Pulumi SDK and the processes around it: a test registers goals as a program
would. Every record that the engine writes is checked to hold together.
"""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine import checkpoint, resource_state
from engine import urn as urns
from engine.builtin_provider import BuiltinProvider
from engine.deployment import Deployment, Stack
from engine.errors import EngineError
from engine.events import Diagnostic, Event, Finished, Severity, StepStarted
from engine.goal import Goal
from engine.preview_document import preview_document
from engine.provider_registry import ProviderRegistry
from engine.providers import Checked, CheckFailure, Difference, Instance, mark_secrets
from engine.resource_state import ResourceState
from engine.snapshot import Snapshot
from engine.values import UNKNOWN, Properties, contains_unknowns

PATIENCE_SECONDS = 20.0
PACKAGE = "pulumi-python"
STACK_URN = "urn:pulumi:dev::yard::pulumi:pulumi:Stack::yard-dev"
DEFAULT_PROVIDER_URN = f"urn:pulumi:dev::yard::pulumi:providers:{PACKAGE}::default"


class Cloud:
    """A provider and the things that it has made; safe to use from several threads.

    Of its inputs it understands `fixed` (a change replaces) and `exclusive` (a change replaces, the old one first).
    """

    def __init__(self) -> None:
        self.things: dict[str, Properties] = {}
        """The inputs of what exists, by id."""
        self.log: list[tuple[str, str]] = []
        """Every finished create, update, delete and read: operation and id."""
        self.calls: dict[str, list[Any]] = {}
        """The arguments of every call, by method."""
        self.refuse: dict[str, list[CheckFailure]] = {}
        self.during: dict[tuple[str, str], Callable[[], object]] = {}
        """What happens within an operation on the resource of that name, before it takes effect; may raise."""
        self.differences: dict[str, Difference] = {}
        """What a comparison of the resource of that name says, in place of the rule above."""
        self.lock = threading.Lock()
        self._made = 0

    def check(self, urn: str, olds: Properties, news: Properties) -> Checked:
        self._called("check", (urns.name_of(urn), olds, news))
        return Checked(news, self.refuse.get(urns.name_of(urn), []))

    def diff(
        self, urn: str, identifier: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Difference:
        self._called("diff", (urns.name_of(urn), identifier, old_inputs, old_outputs, news))
        if urns.name_of(urn) in self.differences:
            return self.differences[urns.name_of(urn)]
        replaces = [key for key in ("fixed", "exclusive") if old_inputs.get(key) != news.get(key)]
        return Difference(None, replaces, delete_before_replace="exclusive" in replaces)

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        name = urns.name_of(urn)
        assert not contains_unknowns(inputs)
        self._called("create", (name, inputs, timeout_seconds))
        self._interlude("create", name)
        with self.lock:
            self._made += 1
            identifier = f"{name}-{self._made}"
            self.things[identifier] = inputs
            self.log.append(("create", identifier))
        return Instance(identifier, mark_secrets({**inputs, "serial": self._made}, inputs))

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        self._called("read", (urns.name_of(urn), identifier, inputs, outputs))
        with self.lock:
            thing = self.things.get(identifier)
            self.log.append(("read", identifier))
        return Instance(identifier, {**thing, "read": True}) if thing is not None else None

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        self._called("update", (urns.name_of(urn), identifier, old_inputs, old_outputs, news, timeout_seconds))
        self._interlude("update", urns.name_of(urn))
        with self.lock:
            assert identifier in self.things
            self.things[identifier] = news
            self.log.append(("update", identifier))
        return mark_secrets({**news, "serial": old_outputs["serial"]}, news)

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        self._called("delete", (urns.name_of(urn), identifier, inputs, outputs, timeout_seconds))
        self._interlude("delete", urns.name_of(urn))
        with self.lock:
            del self.things[identifier]
            self.log.append(("delete", identifier))

    def close(self) -> None:
        pass

    def names(self) -> list[str]:
        """The names of what exists."""
        return sorted(identifier.rsplit("-", 1)[0] for identifier in self.things)

    def _called(self, method: str, arguments: tuple[Any, ...]) -> None:
        with self.lock:
            self.calls.setdefault(method, []).append(arguments)

    def _interlude(self, operation: str, name: str) -> None:
        self.during.get((operation, name), lambda: None)()


class Program:
    """What a program may do: register components and resources. All return the resulting state."""

    def __init__(self, deployment: Deployment, cloud: Cloud) -> None:
        self.deployment = deployment
        self.cloud = cloud

    def resource(self, name: str, /, **options: Any) -> ResourceState:
        """A custom resource; `needs` are states whose ids are inputs (by property), `after` what it depends on."""
        needs: dict[str, ResourceState] = options.pop("needs", {})
        after: Sequence[ResourceState] = options.pop("after", ())
        inputs: Properties = {**options.pop("inputs", {})}
        inputs.update((key, state.id or UNKNOWN) for key, state in needs.items())
        options.setdefault("parent", STACK_URN)
        options.setdefault("type", f"{PACKAGE}:dynamic:Resource")
        return self.deployment.register(
            Goal(
                name=name,
                custom=True,
                inputs=inputs,
                dependencies=sorted({state.urn for state in [*after, *needs.values()]}),
                property_dependencies={key: [state.urn] for key, state in needs.items()},
                **options,
            )
        )

    def component(self, name: str, /, **options: Any) -> ResourceState:
        """A component resource."""
        options.setdefault("parent", STACK_URN)
        options.setdefault("type", "yard:index:Group")
        return self.deployment.register(Goal(name=name, custom=False, **options))

    def read(self, name: str, identifier: str, /, **options: Any) -> ResourceState:
        """A resource that exists already."""
        goal = Goal(
            type=f"{PACKAGE}:dynamic:Resource", name=name, custom=True, parent=STACK_URN, id=identifier, **options
        )
        return self.deployment.read(goal)

    def together(self, *parts: Callable[[], Any]) -> list[Any]:
        """Runs the parts at the same time, as a program's independent registrations do."""
        with ThreadPoolExecutor(len(parts)) as pool:
            return [future.result(PATIENCE_SECONDS) for future in [pool.submit(part) for part in parts]]


Registers = Callable[[Program], object]
"""A program, as a test writes it down."""


@dataclass
class Run:
    """What one preview or update did."""

    deployment: Deployment
    events: list[Event]
    writes: list[dict[str, Any]]
    error: EngineError | None
    """What the program was told where a registration failed."""

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Operation and name of every step, in order; without the stack, its providers and what stays the same."""
        return [
            (str(event.operation), urns.name_of(event.urn))
            for event in self.events
            if isinstance(event, StepStarted)
            and event.operation != "same"
            and not urns.is_provider(urns.type_of(event.urn))
            and event.urn != STACK_URN
        ]

    @property
    def changes(self) -> dict[str, int]:
        return self.deployment.reporter.changes

    @property
    def errors(self) -> list[str]:
        return [
            event.message for event in self.events if isinstance(event, Diagnostic) and event.severity == Severity.ERROR
        ]

    @property
    def document(self) -> dict[str, Any]:
        """What `preview --json` would say."""
        return preview_document([*self.events, Finished("succeeded", self.changes, 0.0)])

    def step(self, operation: str, name: str) -> StepStarted:
        """The one step of that kind."""
        (found,) = (
            event
            for event in self.events
            if isinstance(event, StepStarted) and event.operation == operation and urns.name_of(event.urn) == name
        )
        return found


@dataclass
class Yard:
    """One stack over several deployments: its record as it would lie on disk, and its cloud."""

    cloud: Cloud = field(default_factory=Cloud)
    documents: list[dict[str, Any]] = field(default_factory=list)
    """The recorded resources, in order."""
    config: Properties = field(default_factory=dict)

    def run(
        self,
        program: Registers,
        *,
        dry_run: bool = False,
        parallel: int = 16,
        every_state: bool = False,
    ) -> Run:
        """Runs `program` as an update (or a preview); what it is refused is in the result."""
        return self._run(program, dry_run, parallel, every_state)

    def preview(self, program: Registers, *, every_state: bool = False) -> Run:
        """What an update would do."""
        before = json.dumps(self.documents)
        run = self._run(program, True, 16, every_state)
        assert json.dumps(self.documents) == before
        return run

    def destroy(self) -> Run:
        """Deletes everything."""
        return self._run(None, False, 16, False)

    @property
    def states(self) -> list[ResourceState]:
        return [resource_state.decode(json.loads(json.dumps(document)), _decrypt) for document in self.documents]

    def state(self, name: str) -> ResourceState:
        """The one live resource of that name."""
        (found,) = (state for state in self.states if urns.name_of(state.urn) == name and not state.delete)
        return found

    @property
    def recorded(self) -> list[str]:
        """The names of all that is recorded, but for the stack and its providers; a `-` marks what is to be deleted."""
        return [
            ("-" if state.delete else "") + urns.name_of(state.urn)
            for state in self.states
            if not state.is_stack and not urns.is_provider(state.type)
        ]

    def _run(self, program: Registers | None, dry_run: bool, parallel: int, every_state: bool) -> Run:
        events: list[Event] = []
        writes: list[dict[str, Any]] = []

        def write(states: list[str], operations: list[str]) -> None:
            deployment = {
                "manifest": checkpoint.new_manifest("v3.0.0", datetime.now(UTC)),
                "resources": [json.loads(state) for state in states],
                "pending_operations": [json.loads(operation) for operation in operations],
            }
            problems = checkpoint.verify_integrity(deployment)
            assert problems == []
            writes.append(deployment)
            self.documents = deployment["resources"]

        olds = self.states
        providers = ProviderRegistry(
            dry_run=dry_run, config=self.config, dynamic=self.cloud, builtin=BuiltinProvider(lambda _: None)
        )
        deployment = Deployment(
            Stack("organization", "yard", "dev", dry_run, parallel, every_state),
            olds,
            snapshot=Snapshot(olds, encrypt=_encrypt, write=None if dry_run else write),
            providers=providers,
            emit=events.append,
        )
        error: EngineError | None = None
        if program is not None:
            try:
                deployment.register(Goal(type=urns.STACK_TYPE, name="yard-dev", custom=False))
                program(Program(deployment, self.cloud))
            except EngineError as refusal:
                error = refusal
                # As the monitor does, so that nothing stays untold.
                deployment.reporter.fail(getattr(refusal, "urn", ""), refusal)
        deployment.finish(delete=error is None)
        return Run(deployment, events, writes, error)


def _encrypt(plaintext: str) -> str:
    return "sealed:" + plaintext


def _decrypt(ciphertext: str) -> str:
    assert ciphertext.startswith("sealed:")
    return ciphertext.removeprefix("sealed:")
