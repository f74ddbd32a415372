"""What is made of operations that were under way when a run ended, with providers that can and cannot look for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine import checkpoint, resource_state
from engine.errors import EngineError, Uncertain, Unsupported
from engine.offline_provider import OfflineProvider
from engine.providers import Instance, Provider
from engine.repair import PendingOperation, Repaired, RepairFailed, repair
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties, Secret

STACK = "urn:pulumi:dev::yard::pulumi:pulumi:Stack::yard-dev"
PREFIX = "urn:pulumi:dev::yard::pulumi-python:dynamic:Resource::"


@dataclass
class Cloud:
    """A provider with some instances, by id; asked without an id, it finds the one named `leftover`."""

    instances: dict[str, Properties] = field(default_factory=dict)
    leftover: str = ""
    failure: EngineError | None = None
    asked: list[str] = field(default_factory=list)

    def read(self, urn: str, identifier: str, inputs: Properties, outputs: Properties) -> Instance | None:
        self.asked.append(identifier)
        assert outputs
        if self.failure is not None:
            raise self.failure
        found = identifier or self.leftover
        return Instance(found, self.instances[found]) if found in self.instances else None


def thing(name: str, identifier: str = "", **fields: Any) -> ResourceState:
    """A resource; it has outputs where it has an id."""
    inputs = fields.pop("inputs", {"size": 1})
    return ResourceState(
        urn=PREFIX + name,
        type="pulumi-python:dynamic:Resource",
        custom=True,
        id=identifier,
        inputs=inputs,
        outputs=inputs if identifier else {},
        parent=STACK,
        **fields,
    )


def stack() -> ResourceState:
    return ResourceState(urn=STACK, type="pulumi:pulumi:Stack", custom=False)


def mend(states: list[ResourceState], kind: str, state: ResourceState, cloud: Any) -> tuple[Repaired, list[str]]:
    """Repairs one operation; also gives NAME.ID of what is on record then, deleted ones marked, in order."""
    provider_of: Callable[[ResourceState], Provider] = lambda _: cloud  # noqa: E731
    repaired = repair([stack(), *states], [PendingOperation(kind, state)], provider_of)
    document = {"resources": [resource_state.encode(each, lambda properties: properties) for each in repaired.states]}
    assert checkpoint.verify_integrity(document) == []
    marks = [
        f"{each.urn.removeprefix(PREFIX)}.{each.id}"
        + (" deleted" if each.delete else "")
        + (" gone" if each.pending_replacement else "")
        for each in repaired.states[1:]
    ]
    [message] = repaired.messages
    assert message.startswith(f"the last run was interrupted while {kind} {state.urn}; ")
    return repaired, marks


def test_a_create_that_happened_is_taken_over_with_its_outputs() -> None:
    cloud = Cloud({"a1": {"size": 1, "address": "here"}}, leftover="a1")
    pending = thing("a", inputs={"size": 1}, additional_secret_outputs=["address"])
    repaired, marks = mend([], "creating", pending, cloud)
    assert marks == ["a.a1"]
    adopted = repaired.states[1]
    assert adopted.outputs == {"size": 1, "address": Secret("here")}
    assert adopted.created
    assert adopted.created == adopted.modified
    assert "it was found (id a1) and is taken over" in repaired.messages[0]
    assert cloud.asked == [""]


def test_a_create_that_did_not_happen_is_planned_anew() -> None:
    repaired, marks = mend([], "creating", thing("a"), Cloud())
    assert marks == []
    assert "nothing of it was found" in repaired.messages[0]


def test_a_provider_that_raises_when_asked_without_an_id_leaves_nothing_to_go_by() -> None:
    cloud = Cloud(failure=EngineError("FileNotFoundError: things/"))
    repaired, marks = mend([], "creating", thing("a"), cloud)
    assert marks == []
    assert "its provider cannot look for it (FileNotFoundError: things/)" in repaired.messages[0]


@pytest.mark.parametrize("kind", ["creating", "deleting"])
def test_a_provider_that_is_not_there_leaves_everything_on_record(kind: str) -> None:
    cloud = Cloud(failure=Uncertain("the provider process ended in the middle of read; its output is above"))
    states = [stack()] if kind == "creating" else [stack(), thing("a", "a1")]
    with pytest.raises(RepairFailed, match=f"interrupted while {kind} .*::a, and it cannot be found out"):
        repair(states, [PendingOperation(kind, thing("a", "a1"))], lambda _: cloud)  # type: ignore[arg-type,return-value]


def test_a_package_whose_plugin_is_missing_is_named() -> None:
    def missing(state: ResourceState) -> Provider:
        raise Unsupported(f"{state.urn} needs the aws plugin; use the pulumi command")

    with pytest.raises(RepairFailed, match="needs the aws plugin; use the pulumi command, and refresh the stack"):
        repair([stack()], [PendingOperation("creating", thing("a"))], missing)


def test_an_interrupted_replacement_is_completed_and_the_old_one_is_deleted() -> None:
    cloud = Cloud({"a1": {"size": 1}, "a2": {"size": 2}}, leftover="a2")
    olds = [thing("a", "a1"), thing("b", "b1", dependencies=[PREFIX + "a"])]
    repaired, marks = mend(olds, "creating", thing("a", inputs={"size": 2}), cloud)
    assert marks == ["a.a1 deleted", "b.b1", "a.a2"]
    assert "it was found (id a2) and is taken over, and a1, which it replaces, is deleted" in repaired.messages[0]


def test_the_old_one_is_not_mistaken_for_its_replacement() -> None:
    repaired, marks = mend([thing("a", "a1")], "creating", thing("a"), Cloud({"a1": {}}, leftover="a1"))
    assert marks == ["a.a1"]
    assert "stays on record" in repaired.messages[0]


def test_a_replacement_after_deletion_takes_the_place_of_the_one_that_is_gone() -> None:
    # The new one may have the old one's id, where ids are names.
    cloud = Cloud({"a": {"size": 2}}, leftover="a")
    gone = [thing("a", "a", pending_replacement=True), thing("b", "b", dependencies=[PREFIX + "a"])]
    repaired, marks = mend(gone, "creating", thing("a", inputs={"size": 2}), cloud)
    assert marks == ["a.a", "b.b"]
    assert repaired.states[1].inputs == {"size": 2}


def test_a_delete_that_happened_is_struck_from_the_record() -> None:
    repaired, marks = mend([thing("a", "a1"), thing("b", "b1")], "deleting", thing("a", "a1"), Cloud({"b1": {}}))
    assert marks == ["b.b1"]
    assert "it is gone, and struck from the record" in repaired.messages[0]


def test_a_delete_that_others_on_record_still_need_leaves_its_place() -> None:
    olds = [thing("a", "a1"), thing("b", "b1", dependencies=[PREFIX + "a"], pending_replacement=True)]
    _, marks = mend(olds, "deleting", thing("a", "a1"), Cloud())
    assert marks == ["a.a1 gone", "b.b1 gone"]


@pytest.mark.parametrize("failure", [None, EngineError("ConnectionError: no route")])
def test_a_delete_that_is_not_known_to_have_happened_stays_on_record(failure: EngineError | None) -> None:
    repaired, marks = mend([thing("a", "a1")], "deleting", thing("a", "a1"), Cloud({"a1": {}}, failure=failure))
    assert marks == ["a.a1"]
    assert "stays on record until it is deleted" in repaired.messages[0]


def test_a_delete_strikes_the_old_instance_and_not_its_successor() -> None:
    olds = [thing("a", "a1", delete=True), thing("a", "a2")]
    _, marks = mend(olds, "deleting", thing("a", "a1", delete=True), Cloud({"a2": {}}))
    assert marks == ["a.a2"]


def test_an_update_is_done_again_whatever_the_program_asks_for() -> None:
    repaired, marks = mend([thing("a", "a1")], "updating", thing("a", "a1", inputs={"size": 2}), Cloud())
    assert marks == ["a.a1"]
    assert repaired.states[1].init_errors == ["an update was interrupted"]
    assert repaired.states[1].inputs == {"size": 1}


def test_nothing_is_asked_where_nobody_could_answer() -> None:
    cloud = Cloud()
    repaired, _ = mend([], "reading", thing("a", "a1"), cloud)
    assert "nothing was changed by that" in repaired.messages[0]
    repaired, _ = mend([], "creating", thing("a", inputs={"key": Secret(UNKNOWN)}), cloud)
    assert "only an update of the stack" in repaired.messages[0]
    repaired, _ = mend([], "creating", thing("a"), OfflineProvider("aws"))
    assert "only an update of the stack" in repaired.messages[0]
    assert cloud.asked == []
