"""What is due: by any clock, in any zone, with values that are missing or mean nothing."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.values import UNKNOWN, Secret
from lifecycle.reaping.expired import Findings, NoMoment, RunSeen, StackSeen, find_due, moment_in
from lifecycle.runs.record import RunRecord

NOW = datetime(2027, 3, 31, 18, 0, tzinfo=UTC)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
OFFSETS = st.integers(-1_000_000, 1_000_000).map(lambda seconds: timedelta(seconds=seconds))


def run(number: int = 1, *, expires_at: str, phase: str = "up", locked: bool = False, stack: str = "") -> RunSeen:
    """A run as its folder has it."""
    record = RunRecord(
        id=f"20270331-120000-{number:04x}",
        project="yard",
        stack=stack or f"stack-{number}",
        cloud="local",
        created="2027-03-31T12:00:00Z",
        updated="2027-03-31T12:00:00Z",
        phase=phase,  # type: ignore[arg-type]
        max_hours=1,
        max_cost_usd=0,
        expires_at=expires_at,
    )
    return RunSeen(record=record, locked=locked)


@st.composite
def expiries(draw: st.DrawFn) -> tuple[str, bool]:
    """An expiry as somebody may write it, and whether it is over."""
    offset = draw(OFFSETS)
    return (NOW + offset).astimezone(draw(ZONES)).isoformat(), offset < timedelta(0)


@st.composite
def many_runs(draw: st.DrawFn) -> list[tuple[RunSeen, bool]]:
    """Runs of different stacks, each with whether its time is over."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        expires_at, over = draw(expiries())
        phase = draw(st.sampled_from(["guard", "up", "fetch", "destroy", "audit", "done"]))
        found.append((run(number, expires_at=expires_at, phase=phase, locked=draw(st.booleans())), over))
    return found


@given(many_runs(), st.randoms(use_true_random=False), ZONES)
def test_a_run_is_due_when_nobody_works_on_it_and_it_is_not_over(
    runs: list[tuple[RunSeen, bool]], random: Any, zone: timezone
) -> None:
    found = find_due((each for each, _ in runs), (), NOW)
    unfinished = [(each, over) for each, over in runs if each.record.phase != "done"]
    assert {(due.name, due.reason) for due in found.due} == {
        (each.record.id, "expired" if over else "abandoned") for each, over in unfinished if not each.locked
    }
    assert {busy.name for busy in found.busy} == {each.record.id for each, over in unfinished if each.locked and over}
    assert [due.reason for due in found.due] == sorted((due.reason for due in found.due), reverse=True)
    random.shuffle(runs)
    again = find_due((each for each, _ in runs), (), NOW.astimezone(zone))
    assert again.due == found.due
    assert set(again.busy) == set(found.busy)


@given(expiries(), st.integers(0, 3))
def test_a_stack_is_due_when_it_holds_something_and_its_moment_is_over(expiry: tuple[str, bool], held: int) -> None:
    expires_at, over = expiry
    found = find_due((), [StackSeen(stack="dev", resources=held, expires_at=expires_at)], NOW)
    assert bool(found.due) == (over and held > 0)
    assert found.problems == ()


@pytest.mark.parametrize("expires_at", [None, ""])
def test_a_stack_without_an_expiry_stays(expires_at: str | None) -> None:
    assert find_due((), [StackSeen(stack="dev", resources=3, expires_at=expires_at)], NOW) == Findings()


NO_MOMENTS = ["tomorrow", "2027-03-31", "2027-03-31T18:00:00", "2027-13-01T00:00:00Z", 5, True, [], UNKNOWN]


@pytest.mark.parametrize("expires_at", [*NO_MOMENTS, Secret("2020-01-01T00:00:00Z"), "9999-12-31T23:59:59-23:00"])
def test_an_expiry_that_is_none_is_told_and_nothing_happens(expires_at: object) -> None:
    found = find_due((), [StackSeen(stack="dev", resources=3, expires_at=expires_at)], NOW)
    assert found.due == ()
    assert len(found.problems) == 1
    assert "2020" not in found.problems[0]


def test_a_run_with_an_expiry_that_is_none_is_not_given_up() -> None:
    found = find_due([run(expires_at="never")], (), NOW)
    assert [due.reason for due in found.due] == ["abandoned"]
    assert len(found.problems) == 1


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with suppress(NoMoment):
        assert moment_in(text).tzinfo is UTC


def test_the_moment_itself_still_belongs_to_the_stack() -> None:
    stacks = [StackSeen(stack="dev", resources=1, expires_at="2027-03-31T18:00:00Z")]
    assert find_due((), stacks, NOW).due == ()
    assert [due.why for due in find_due((), stacks, NOW + timedelta(microseconds=1)).due] == [
        "expired at 2027-03-31T18:00:00Z"
    ]


@pytest.mark.parametrize(("phase", "names"), [("up", ["run"]), ("done", ["stack"])])
@pytest.mark.parametrize("locked", [True, False])
def test_a_stack_with_an_unfinished_run_is_that_runs_to_destroy(phase: str, names: list[str], locked: bool) -> None:
    over = "2027-03-31T12:00:00Z"
    runs = [run(expires_at=over, phase=phase, stack="dev", locked=locked)]
    found = find_due(runs, [StackSeen(stack="dev", resources=1, expires_at=over)], NOW)
    expected = [] if locked and phase == "up" else names
    assert [due.kind for due in found.due] == expected
