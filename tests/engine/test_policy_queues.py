"""Several packs that judge a preview in the background, and what becomes of each one's verdicts."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from engine.errors import StepError
from engine.events import Event, PolicyPackFailed, PolicyPackLoaded, PolicyViolation
from engine.goal import Goal
from engine.policies import PolicyPacks
from engine.policy_project import PolicyPackError
from engine.resource_state import ResourceState


class FakePack:
    """A pack that objects to every resource, and fails at the one of that name."""

    version = "1"
    may_remediate = remediates = False

    def __init__(self, name: str, fails_at: str = "") -> None:
        self.name = name
        self.fails_at = fails_at
        self.loaded = PolicyPackLoaded(name, "1", 1)

    def ready(self) -> None:
        pass

    def analyze_all(self, requests: Sequence[Any]) -> Iterator[list[PolicyViolation]]:
        for request in requests:
            if request.name == self.fails_at:
                raise PolicyPackError(f"{self.name} failed at {request.name}")
            yield [PolicyViolation(self.name, "1", "all", "No.", "mandatory", urn=request.urn)]

    def analyze_stack(self, _: Sequence[Any]) -> list[PolicyViolation]:
        return []


def queued(names: Sequence[str], *packs: FakePack) -> tuple[PolicyPacks, list[Event]]:
    """A preview's packs, asked about resources of these names, and the events that they will tell."""
    events: list[Event] = []
    judges = PolicyPacks(packs, events.append, dry_run=True)  # type: ignore[arg-type]
    for name in names:
        check(judges, name)
    return judges, events


def check(judges: PolicyPacks, name: str) -> bool:
    urn = f"urn:pulumi:dev::yard::a:b:C::{name}"
    return judges.check_resource(Goal("a:b:C", name, True), ResourceState(urn, "a:b:C", True), None)


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(each.pack, each.urn.rpartition("::")[2]) for each in events if isinstance(each, PolicyViolation)]


def test_verdicts_come_resource_by_resource_however_many_there_are() -> None:
    names = [f"r{number}" for number in range(2003)]
    judges, events = queued(names, FakePack("one"), FakePack("two"))
    assert judges.conclude([], lambda: False) is False
    assert told(events) == [(pack, name) for name in names for pack in ("one", "two")]


def test_where_one_pack_fails_the_other_ones_verdicts_are_told_and_so_is_every_failure() -> None:
    judges, events = queued(["a", "b", "c"], FakePack("late", "c"), FakePack("early", "b"), FakePack("sound"))
    with pytest.raises(StepError, match="late failed at c\nearly failed at b") as raised:
        judges.conclude([], lambda: False)
    assert raised.value.urn.endswith("::b"), "the first that was not judged"
    assert told(events) == [
        ("late", "a"),
        ("early", "a"),
        ("sound", "a"),
        ("late", "b"),
        ("sound", "b"),
        ("sound", "c"),
    ]
    assert [each.name for each in events if isinstance(each, PolicyPackFailed)] == ["late", "early"]
    assert judges.failed


def test_a_resource_after_the_end_is_refused() -> None:
    judges, _ = queued(["a"], FakePack("one"))
    judges.conclude([], lambda: False)
    with pytest.raises(PolicyPackError, match="::late came after the end of the program: no policy has judged it"):
        check(judges, "late")


def test_packs_are_asked_in_one_order_whichever_threads_register_resources() -> None:
    packs = [FakePack(name, "last") for name in ("one", "two")]
    judges, events = queued([], *packs)
    threads = [
        threading.Thread(target=lambda start=start: [check(judges, f"r{start}-{n}") for n in range(200)])
        for start in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judges.conclude([], lambda: False)
    found = told(events)
    assert len(found) == 1600
    assert [name for pack, name in found if pack == "one"] == [name for pack, name in found if pack == "two"]
