"""Whatever programs ask for, one after the other: the cloud follows, in order, and the record always holds together.

The fake cloud refuses what a real one would: a resource whose dependency does not exist, and the deletion of one that
another still needs.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine import urn as urns
from engine.errors import EngineError
from engine.providers import Difference, Instance
from engine.resource_state import ResourceState
from engine.values import Properties
from tests.engine.deployments import Cloud, Program, Registers, Yard

OPERATIONS_THAT_NEED = ("colour", "fixed", "exclusive")
MOST_RESOURCES = 7


@dataclass(frozen=True)
class Planned:
    """One resource of a generated program."""

    name: str
    value: int
    """Changing it updates."""
    fixed: int
    """Changing it replaces, the new one first."""
    exclusive: int
    """Changing it replaces, the old one first."""
    needs: tuple[tuple[str, str], ...]
    """Input and the resource whose id it is."""
    after: tuple[str, ...]
    delete_before_replace: bool | None


class StrictCloud(Cloud):
    """A cloud in which nothing exists without what it needs."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: set[tuple[str, str, str]] = set()
        """Who needs what, and how, by the program that runs."""
        self.program_runs = False

    def create(self, urn: str, inputs: Properties, timeout_seconds: float) -> Instance:
        self._check_needs(inputs)
        return super().create(urn, inputs, timeout_seconds)

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout_seconds: float,
    ) -> Properties:
        self._check_needs(news)
        return super().update(urn, identifier, old_inputs, old_outputs, news, timeout_seconds)

    def delete(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, timeout_seconds: float
    ) -> None:
        with self.lock:
            for other, thing in self.things.items():
                for kind in OPERATIONS_THAT_NEED:
                    if thing.get(f"needs-{kind}") == identifier:
                        assert self._may_dangle(other, kind, identifier), f"{identifier} goes before {other}"
        super().delete(urn, identifier, inputs, outputs, timeout_seconds)

    def diff(
        self, urn: str, identifier: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Difference:
        difference = super().diff(urn, identifier, old_inputs, old_outputs, news)
        for kind in ("fixed", "exclusive"):
            if old_inputs.get(f"needs-{kind}") != news.get(f"needs-{kind}"):
                difference.replaces.append(f"needs-{kind}")
        if "needs-exclusive" in difference.replaces:
            return replace(difference, delete_before_replace=True)
        return difference

    def _may_dangle(self, holder: str, kind: str, needed: str) -> bool:
        """While a program runs, what is deleted is deleted ahead of its replacement.

        Then a holder may lose what it is updated to need anew, and what it does not need any more.
        """
        edge = (_name(holder), kind, _name(needed))
        return self.program_runs and (kind == "colour" or edge not in self.kept)

    def _check_needs(self, inputs: Properties) -> None:
        with self.lock:
            for kind in OPERATIONS_THAT_NEED:
                needed = inputs.get(f"needs-{kind}")
                assert needed is None or needed in self.things, f"{needed} does not exist (any more)"


def _name(identifier: str) -> str:
    return identifier.rsplit("-", 1)[0]


@st.composite
def programs(draw: st.DrawFn) -> list[Planned]:
    """A program: resources in an order in which each may need those before it."""
    names = draw(st.permutations([f"r{index}" for index in range(MOST_RESOURCES)]))
    names = names[: draw(st.integers(0, MOST_RESOURCES))]
    program = []
    for index, name in enumerate(names):
        earlier = names[:index]
        kinds = draw(st.lists(st.sampled_from(OPERATIONS_THAT_NEED), unique=True, max_size=2)) if earlier else []
        program.append(
            Planned(
                name,
                value=draw(st.integers(0, 1)),
                fixed=draw(st.integers(0, 1)),
                exclusive=draw(st.integers(0, 1)),
                needs=tuple((kind, draw(st.sampled_from(earlier))) for kind in kinds),
                after=tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2))) if earlier else (),
                delete_before_replace=draw(st.sampled_from([None, None, True])),
            )
        )
    return program


def run_of(plan: Sequence[Planned]) -> Registers:
    """The program: every resource is registered by a thread of its own once what it needs is there, as with the SDK."""

    def program(program: Program) -> None:
        done: dict[str, ResourceState | None] = {}
        ready = {planned.name: threading.Event() for planned in plan}

        def register(planned: Planned) -> None:
            needed = {*(name for _, name in planned.needs), *planned.after}
            try:
                for name in needed:
                    ready[name].wait(20)
                    if done[name] is None:
                        raise EngineError("what it needs was not made")
                done[planned.name] = program.resource(
                    planned.name,
                    inputs={"value": planned.value, "fixed": planned.fixed, "exclusive": planned.exclusive},
                    needs={f"needs-{kind}": done[name] for kind, name in planned.needs},
                    after=[done[name] for name in planned.after],
                    delete_before_replace=planned.delete_before_replace,
                )
            finally:
                done.setdefault(planned.name, None)
                ready[planned.name].set()

        cloud = program.cloud
        assert isinstance(cloud, StrictCloud)
        cloud.kept = {(planned.name, kind, name) for planned in plan for kind, name in planned.needs}
        cloud.program_runs = True
        try:
            if plan:
                program.together(*(lambda planned=planned: register(planned) for planned in plan))
        finally:
            cloud.program_runs = False

    return program


def desired(yard: Yard, plan: Sequence[Planned]) -> dict[str, Properties]:
    """What the cloud should hold, by name."""
    identifiers = {urns.name_of(state.urn): state.id for state in yard.states if not state.delete}
    return {
        planned.name: {
            "value": planned.value,
            "fixed": planned.fixed,
            "exclusive": planned.exclusive,
            **{f"needs-{kind}": identifiers[name] for kind, name in planned.needs},
        }
        for planned in plan
    }


@given(first=programs(), second=programs())
@settings(max_examples=60)
def test_the_cloud_follows_the_program(first: list[Planned], second: list[Planned]) -> None:
    yard = Yard(cloud=StrictCloud())
    for plan in (first, second):
        run = yard.run(run_of(plan))
        assert run.errors == []
        assert run.error is None
        held = {_name(identifier): thing for identifier, thing in yard.cloud.things.items()}
        assert len(held) == len(yard.cloud.things)
        assert held == desired(yard, plan)
        assert sorted(yard.recorded) == sorted(planned.name for planned in plan)
        again = yard.run(run_of(plan))
        assert again.steps == []
    assert yard.destroy().errors == []
    assert yard.documents == []
    assert yard.cloud.things == {}


@given(first=programs(), second=programs(), third=programs(), failing=st.integers(0, 12))
@settings(max_examples=60)
def test_a_failure_anywhere_loses_nothing_and_the_next_run_completes(
    first: list[Planned], second: list[Planned], third: list[Planned], failing: int
) -> None:
    yard = Yard(cloud=StrictCloud())
    yard.run(run_of(first))
    countdown = [failing]

    def maybe_fail() -> None:
        with yard.cloud.lock:
            countdown[0] -= 1
            if countdown[0] == -1:
                raise EngineError("the cloud says no")

    yard.cloud.during = {
        (operation, f"r{index}"): maybe_fail
        for operation in ("create", "update", "delete")
        for index in range(MOST_RESOURCES)
    }
    yard.run(run_of(second))
    recorded = {state.id for state in yard.states if state.id and not state.pending_replacement}
    assert set(yard.cloud.things) <= recorded
    yard.cloud.during.clear()
    run = yard.run(run_of(third))
    assert run.errors == []
    assert sorted(yard.cloud.names()) == sorted(planned.name for planned in third)
    assert sorted(yard.recorded) == sorted(planned.name for planned in third)
    assert yard.run(run_of(third)).steps == []


@given(first=programs(), second=programs())
@settings(max_examples=40)
def test_a_preview_foretells_the_update(first: list[Planned], second: list[Planned]) -> None:
    yard = Yard(cloud=StrictCloud())
    yard.run(run_of(first))
    preview = yard.preview(run_of(second))
    run = yard.run(run_of(second))
    assert sorted(preview.steps) == sorted(run.steps)
    assert preview.changes == run.changes
