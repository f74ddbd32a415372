"""What workers wait for, and what they do not, with gradients that can be counted."""

from pathlib import Path
from typing import Any

import pytest

from tests.workloads.training.parameter_servers.processes import Setting, run_group, values
from tests.workloads.training.parameter_servers.scenarios import (
    COUNTING,
    count_at_different_speeds,
    count_with_a_slow_worker,
    count_with_meetings,
)

pytestmark = pytest.mark.xdist_group("parameter-servers")

WORKERS = 2


def setting(**changes: Any) -> Setting:
    # Each gradient is applied at a rate of 1: see ``part``.
    return Setting(COUNTING, learning_rate=WORKERS * 1.0, **{"total_steps": 12, "staleness": 2} | changes)


@pytest.mark.parametrize("staleness", [0, 2])
def test_a_slow_worker_holds_the_fast_one_at_the_staleness_and_not_before(tmp_path: Path, staleness: int) -> None:
    chosen = setting(staleness=staleness)

    fast, slow = values(run_group(tmp_path / "group", WORKERS, 2, chosen, count_with_a_slow_worker), WORKERS)

    assert slow["beyond"] is False
    assert max(slow["gaps"]) <= staleness
    for step, seen in enumerate(fast["seen"]):
        # Its own gradients, and those of the slow one that it may not be without.
        assert min(seen) >= step + max(0, step - staleness)
    assert fast["final"] == slow["final"] == {WORKERS * 12}


def test_a_meeting_shows_all_workers_the_same_steps_and_no_more(tmp_path: Path) -> None:
    outcomes = run_group(tmp_path / "group", WORKERS, 2, setting(), count_with_meetings, 3, 99, -1)

    for each in values(outcomes, WORKERS):
        assert each["meetings"] == [(step, {WORKERS * step}) for step in (3, 6, 9, 12)]
        assert (each["step"], each["reason"], each["ends"]) == (12, None, [{WORKERS * 12}])


@pytest.mark.parametrize(("servers", "stop_at"), [(1, 5), (3, 0)])
def test_all_stop_at_one_step_when_one_is_asked_and_no_gradient_is_lost(
    tmp_path: Path, servers: int, stop_at: int
) -> None:
    chosen = setting(total_steps=40)

    first, asked = values(
        run_group(tmp_path / "group", WORKERS, servers, chosen, count_with_meetings, 99, stop_at, -1), WORKERS
    )

    step = first["step"]
    assert asked["step"] == step
    assert stop_at <= step <= stop_at + chosen.staleness + 2
    assert (first["reason"], asked["reason"]) == ("another worker was asked to stop", "asked")
    assert first["meetings"] == asked["meetings"] == ([(step, {WORKERS * step})] if step else [])
    assert first["ends"] == asked["ends"] == [{WORKERS * step}]


def test_waiting_for_a_worker_that_makes_steps_is_no_loss_however_long_it_takes(tmp_path: Path) -> None:
    chosen = setting(staleness=12, timeout_seconds=1.5)

    outcomes = run_group(tmp_path / "group", WORKERS, 1, chosen, count_at_different_speeds, 0.2)

    assert values(outcomes, WORKERS) == [{WORKERS * 12}] * WORKERS


def test_all_stop_where_a_meeting_says_so(tmp_path: Path) -> None:
    outcomes = run_group(tmp_path / "group", WORKERS, 1, setting(), count_with_meetings, 3, 99, 6)

    for each in values(outcomes, WORKERS):
        assert (each["step"], each["reason"], each["ends"]) == (6, "good enough", [{WORKERS * 6}])
