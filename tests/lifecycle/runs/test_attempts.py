"""What interruptions cost, computed from the notes of a run's attempts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.runs.attempts import (
    Attempt,
    RunHistory,
    history_of,
    idle_seconds_of,
    read_attempt,
    read_log,
    utc_text_of,
)


def attempt(began: float, first: int, step: int, **others: object) -> Attempt:
    """An attempt that takes 10 s to begin and a second for each step."""
    fields = {
        "began": began,
        "training_began": began + 10,
        "first_step": first,
        "step": step,
        "step_time": began + 10 + step - first,
        "workers": 2,
    }
    return Attempt.model_validate(fields | others)


NOTICED = attempt(1000, 0, 40, saved_step=40, saved_time=1050, ended=1052, end="received SIGTERM")
REFORMED_AND_KILLED = attempt(1060, 40, 75, workers=1, saved_step=60, saved_time=1090)
LAST = attempt(1120, 60, 100, saved_step=100, saved_time=1170, ended=1180, end="done")


def test_a_notice_costs_time_and_a_kill_costs_the_steps_since_the_checkpoint() -> None:
    history = history_of([LAST, NOTICED, REFORMED_AND_KILLED])
    notice, kill = history.interruptions
    assert (notice.reason, notice.at, notice.lost_steps, notice.lost_seconds) == (
        "interruption notice (SIGTERM)",
        1052,
        0,
        0,
    )
    assert (notice.workers_before, notice.workers_after, notice.down_seconds) == (2, 1, 18)
    assert (kill.reason, kill.at_text, kill.lost_steps, kill.lost_seconds) == (
        "killed",
        utc_text_of(1105),
        15,
        pytest.approx(15),
    )
    assert kill.down_seconds == 25
    assert history.finished
    assert history.paid_seconds == 180
    assert history.useful_seconds == pytest.approx(100)
    assert history.goodput == pytest.approx(100 / 180)


def test_a_run_that_nobody_interrupts_loses_nothing() -> None:
    history = history_of([attempt(0, 0, 90, ended=100, end="done")], idle_seconds=9)
    assert history.interruptions == ()
    assert history.goodput == pytest.approx(0.81)


def test_a_checkpoint_that_is_damaged_costs_the_attempt_before_it_too() -> None:
    first = attempt(0, 0, 50, saved_step=50, saved_time=60, ended=60, end="received SIGTERM")
    second = attempt(100, 50, 70)
    third = attempt(200, 20, 80, ended=300, end="done")
    history = history_of([first, second, third])
    assert [each.lost_steps for each in history.interruptions] == [0, 50]
    assert history.interruptions[1].lost_seconds == pytest.approx(50)
    assert history.useful_seconds == pytest.approx(80)


def test_a_checkpoint_that_was_stored_after_the_last_note_is_taken_from_the_steps_around_it() -> None:
    killed = attempt(0, 0, 30, saved_step=10, saved_time=20)
    history = history_of([killed, attempt(100, 25, 40, ended=130, end="done")])
    assert history.interruptions[0].lost_steps == 5
    assert history.interruptions[0].lost_seconds == pytest.approx(5)


def test_only_what_another_attempt_went_on_from_is_an_interruption() -> None:
    for last in (attempt(0, 0, 30), attempt(0, 0, 30, ended=50, end="reached maximum_cost_usd")):
        history = history_of([last])
        assert history.interruptions == ()
        assert not history.finished
    again = history_of([attempt(0, 0, 30, ended=50, end="failed"), attempt(60, 0, 30)])
    assert [(each.reason, each.lost_steps) for each in again.interruptions] == [("failed", 30)]


def test_nothing_is_known_of_a_run_without_notes() -> None:
    assert history_of([]) == RunHistory(
        attempts=(), interruptions=(), finished=False, paid_seconds=0.0, useful_seconds=0.0
    )
    assert history_of([]).goodput is None


def test_waiting_for_data_and_standing_still_is_idle() -> None:
    entries = [
        {"step": 25, "elapsed_seconds": 10.0, "data_wait_share": 0.5, "checkpoint_stall_seconds": 0.0},
        {"step": 50, "elapsed_seconds": 20.0, "data_wait_share": 0.1, "checkpoint_stall_seconds": 2.0},
        {"step": 60},
    ]
    assert idle_seconds_of(entries) == pytest.approx(5 + 1 + 2)
    assert idle_seconds_of([]) == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1, "began": 1}', b'{"version": 1, "began": "\xff"}'],
)
def test_what_is_no_note_is_none(content: bytes) -> None:
    assert read_attempt(content) is None


def test_a_note_with_more_in_it_than_is_known_is_read() -> None:
    document = {"version": 1, "node": "a", **LAST.model_dump()}
    assert read_attempt(json.dumps(document).encode()) == LAST


def test_a_log_whose_last_line_is_cut_off_is_read_up_to_there() -> None:
    lines = b'{"step": 1, "loss": 2.5}\n7\n{"loss": 1}\n{"step": 2, "lo'
    assert read_log(lines) == ({"step": 1, "loss": 2.5},)


@st.composite
def timelines(draw: st.DrawFn) -> list[Attempt]:
    """Attempts as a run makes them: each begins at a checkpoint of an earlier one, or at 0."""
    found: list[Attempt] = []
    checkpoints, now = {0}, 1000.0
    for _ in range(draw(st.integers(1, 6))):
        first = draw(st.sampled_from(sorted(checkpoints)))
        checkpoints = {step for step in checkpoints if step <= first}
        began = now + draw(st.floats(0.01, 100))
        training_began = began + draw(st.floats(0, 30))
        saved = first + draw(st.integers(0, 50))
        saved_time = training_began + draw(st.floats(0, 60))
        more = draw(st.integers(0, 50))
        step, step_time = saved + more, saved_time + (draw(st.floats(0, 60)) if more else 0.0)
        ended = draw(st.one_of(st.none(), st.floats(0, 20)))
        found.append(
            Attempt(
                began=began,
                training_began=training_began,
                first_step=first,
                step=step,
                step_time=step_time,
                saved_step=saved if saved > first else None,
                saved_time=saved_time if saved > first else None,
                workers=draw(st.integers(1, 4)),
                ended=None if ended is None else step_time + ended,
                end="" if ended is None else draw(st.sampled_from(["received SIGTERM", "failed"])),
            )
        )
        checkpoints |= {saved}
        now = found[-1].last_seen
    return found


@given(timelines(), st.randoms())
def test_every_step_made_counts_once_or_is_lost(attempts: list[Attempt], chance: object) -> None:
    history = history_of(attempts)
    made = sum(each.step - each.first_step for each in attempts)
    assert made - history.lost_steps == attempts[-1].step
    assert 0 <= (history.goodput or 0) <= 1
    taken = sum(each.step_time - each.training_began for each in attempts if each.step > each.first_step)
    assert history.useful_seconds + history.lost_seconds == pytest.approx(taken, abs=1e-6)
    assert all(each.lost_steps >= 0 and each.lost_seconds >= 0 for each in history.interruptions)
    assert len(history.interruptions) == len(attempts) - 1
    chance.shuffle(attempts)  # type: ignore[attr-defined]
    assert history_of(attempts) == history, "the order in which notes are read changes nothing"


@given(st.binary(max_size=200))
def test_no_note_and_no_log_breaks_the_reader(content: bytes) -> None:
    read_attempt(content)
    read_log(content)


NUMBERS = st.integers(-10, 10**6) | st.floats() | st.none()
NOTES = st.fixed_dictionaries(
    {
        "version": st.just(1),
        **dict.fromkeys(("began", "training_began", "step_time", "saved_time", "ended"), NUMBERS),
        **dict.fromkeys(("first_step", "step", "saved_step"), st.integers(-1, 10**6) | st.none()),
        "workers": st.integers(0, 4),
        "end": st.text(max_size=20),
    }
)


@given(st.lists(NOTES | st.lists(NOTES), max_size=5))
def test_whatever_notes_say_there_is_a_history_of_them(documents: list[object]) -> None:
    read = [read_attempt(json.dumps(each).encode()) for each in documents]
    history = history_of(each for each in read if each is not None)
    assert history.goodput is None or 0 <= history.goodput <= 1
    assert all(each.lost_steps >= 0 and each.lost_seconds >= 0 and each.at_text for each in history.interruptions)
