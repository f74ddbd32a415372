"""The simulator: hours, money and interruptions of runs followed by hand, and the promise of the safety net."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.errors import PlanningError
from planning.simulation.forecast import learn
from planning.simulation.least_expected_cost import least_expected_cost
from planning.simulation.omniscient import least_possible_usd
from planning.simulation.policies import always_on_demand, greedy, spot_only, uniform_progress
from planning.simulation.simulate import IDLE, ON_DEMAND, SPOT, Policy, View, run
from planning.simulation.task import Task
from planning.simulation.traces import Trace, Zone, availability_of
from tests.planning.simulation.small_tasks import task_of, windows_of

NAMES = {int(IDLE): "-", int(SPOT): "s", int(ON_DEMAND): "d"}


def always(mode: np.int8, *, safety_net: bool = False) -> Policy:
    return Policy(
        name="always", label="Always", decide=lambda view: np.full(len(view.mode), mode), safety_net=safety_net
    )


def drawn(policy: Policy, task: Task, row: str) -> str:
    outcome = run(policy, task, windows_of(row))
    return "".join(NAMES[mode] for mode in outcome.modes[0].tolist())


def test_on_demand_takes_one_start_and_the_work() -> None:
    outcome = run(always_on_demand(), task_of(4, 6, 0.5), windows_of("000000"))

    assert outcome.usd.tolist() == [4.5 * 3]
    assert outcome.finish_hours.tolist() == [4.5]
    assert (outcome.starts.tolist(), outcome.missed.tolist()) == ([1], [False])


def test_the_last_step_is_paid_in_part() -> None:
    assert run(always_on_demand(), task_of(1.25, 6), windows_of("000000")).usd.tolist() == [pytest.approx(3.75)]


def test_an_interruption_costs_another_start() -> None:
    outcome = run(spot_only(), task_of(3, 8, 0.5), windows_of("11011111"))

    # 2 h with 1.5 h of work, an hour away, then 0.5 h of start and the other 1.5 h.
    assert outcome.usd.tolist() == [pytest.approx(4.0)]
    assert outcome.finish_hours.tolist() == [pytest.approx(5.0)]
    assert (outcome.starts.tolist(), outcome.interruptions.tolist()) == ([2], [1])


def test_an_interruption_loses_what_was_done_since_the_last_checkpoint() -> None:
    task = task_of(4, 9, checkpoint_hours=2.0)

    outcome = run(spot_only(), task, windows_of("111011111"))

    # Of three hours of work one was not saved, so that two are left.
    assert outcome.finish_hours.tolist() == [6.0]
    assert outcome.usd.tolist() == [5.0]


def test_who_leaves_an_instance_on_purpose_loses_nothing() -> None:
    leaving = Policy(
        name="leaving",
        label="Leaving",
        decide=lambda view: np.full(len(view.mode), SPOT if view.elapsed_hours < 3 else ON_DEMAND),
    )

    outcome = run(leaving, task_of(4, 9, checkpoint_hours=2.0), windows_of("111111111"))

    assert outcome.finish_hours.tolist() == [4.0]
    assert outcome.usd.tolist() == [3 * 1.0 + 3.0]


def test_a_trace_with_prices_is_paid_by_them() -> None:
    windows = windows_of("1111", prices=[[0.5, 0.25, 2.0, 9.0]])

    assert run(spot_only(), task_of(3, 4), windows).usd.tolist() == [2.75]


def test_what_is_late_is_finished_on_demand_and_said_to_be_late() -> None:
    outcome = run(spot_only(), task_of(2, 4, 0.5), windows_of("1000"))

    assert outcome.missed.tolist() == [True]
    # Half an hour of work on spot, then another start and 1.5 h on demand after the deadline.
    assert outcome.finish_hours.tolist() == [4 + 0.5 + 1.5]
    assert outcome.usd.tolist() == [1 + 2 * 3]


def test_the_safety_net_falls_at_the_last_moment() -> None:
    idle = always(IDLE, safety_net=True)

    assert drawn(idle, task_of(2, 6), "000000") == "----dd"
    assert drawn(idle, task_of(2, 6, 1.0), "000000") == "---ddd"
    assert drawn(always(SPOT, safety_net=True), task_of(3, 6, 1.0), "100000") == "s-dddd"


def test_the_safety_net_lets_a_spot_instance_go_on_that_works() -> None:
    assert drawn(always(SPOT, safety_net=True), task_of(3, 5, 1.0), "11111") == "ssss"


def test_nothing_runs_once_the_work_is_done() -> None:
    assert drawn(always_on_demand(), task_of(2, 5), "11111") == "dd"


def test_spot_that_is_not_there_means_to_wait() -> None:
    assert drawn(spot_only(), task_of(2, 5), "01011") == "-s-s"


def test_greedy_waits_until_the_net_and_then_stays_on_demand() -> None:
    assert drawn(greedy(task_of(4, 8)), task_of(4, 8), "10000111") == "s----ddd"


def test_uniform_progress_catches_up_and_comes_back_to_spot_only_when_ahead() -> None:
    task = task_of(6, 12, 1.0)

    # e(t) = t / 2. It waits at first and is behind from hour 1 on. At hour 6 it has done 4 h, which is e(6 + 2).
    assert drawn(uniform_progress(task), task, "000111111111") == "-dddddsss"
    # With spot from the start it never leaves it.
    assert drawn(uniform_progress(task), task, "111111111111") == "sssssss"


def test_uniform_progress_does_not_leave_on_demand_to_wait() -> None:
    task = task_of(6, 12, 0.0)

    assert drawn(uniform_progress(task), task, "000000000000") == "-dddddd"


def test_uniform_progress_waits_while_it_is_ahead() -> None:
    task = task_of(4, 12, 0.0)

    assert drawn(uniform_progress(task), task, "110000000000") == "ss-----dd"


def test_two_runs_do_not_touch_each_other() -> None:
    task = task_of(3, 6, 0.5)
    both = run(greedy(task), task, windows_of("111111", "000000"))
    apart = [run(greedy(task), task, windows_of(row)).usd[0] for row in ("111111", "000000")]

    assert both.usd.tolist() == apart


@st.composite
def problems(draw: st.DrawFn) -> tuple[Task, list[str], float]:
    step = draw(st.sampled_from([0.1, 0.25, 1.0]))
    deadline = draw(st.floats(1.0, 12.0))
    changeover = draw(st.sampled_from([0.0, 0.05, 0.1, 0.3, 1.0]))
    work = draw(st.floats(0.1, 1.0)) * (deadline - changeover)
    steps = int(np.ceil(deadline / step)) + 1
    rows = draw(st.lists(st.text("01", min_size=steps, max_size=steps), min_size=1, max_size=4))
    checkpoint = draw(st.sampled_from([0.0, 0.2, 1.0]))
    if work <= 0:
        work, changeover = deadline / 2, 0.0
    return task_of(work, deadline, changeover, checkpoint_hours=checkpoint), rows, step


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_policy_with_the_net_keeps_every_deadline_and_costs_no_less_than_the_bound(
    problem: tuple[Task, list[str], float],
) -> None:
    task, rows, step = problem
    windows = windows_of(*rows, step_hours=step)
    trace = Trace(
        name="past", step_seconds=step * 3600, zones=(Zone(name="a", available=np.array([m == "1" for m in rows[0]])),)
    )
    bound = least_possible_usd(task, windows)
    for policy in (
        always_on_demand(),
        greedy(task),
        uniform_progress(task),
        least_expected_cost(task, learn([availability_of(trace)]), step),
        always(SPOT, safety_net=True),
        always(IDLE, safety_net=True),
    ):
        outcome = run(policy, task, windows)
        assert not outcome.missed.any()
        assert (outcome.finish_hours <= task.deadline_hours + 1e-6).all()
        assert (outcome.usd >= bound - 1e-6).all()
        billed = outcome.spot_hours + outcome.on_demand_hours
        assert (billed >= task.work_hours + task.changeover_hours - 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(st.text("01", min_size=24, max_size=24), st.integers(0, 2**32 - 1))
def test_even_a_policy_that_throws_dice_keeps_the_deadline(row: str, seed: int) -> None:
    random = np.random.default_rng(seed)

    def decide(view: View) -> Any:
        return random.integers(0, 3, len(view.mode)).astype(np.int8)

    policy = Policy(name="dice", label="Dice", decide=decide)
    task = task_of(7.3, 12, 0.4, checkpoint_hours=0.7)

    assert not run(policy, task, windows_of(row, step_hours=0.5)).missed.any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"work_hours": 0.0}, "work_hours = 0.0: must be a finite number above 0"),
        ({"work_hours": float("nan")}, "work_hours = nan"),
        ({"deadline_hours": float("inf")}, "deadline_hours = inf"),
        ({"changeover_hours": -1.0}, "changeover_hours = -1.0: must be a finite number, 0 or more"),
        ({"spot_usd_per_hour": 0.0}, "spot_usd_per_hour = 0.0"),
        ({"checkpoint_hours": -0.1}, "checkpoint_hours = -0.1"),
        ({"deadline_hours": 4.0}, "deadline_hours = 4: must be 4.5 or more, for 4 h of work after a start of 0.5 h"),
    ],
)
def test_a_task_that_cannot_be_is_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(PlanningError) as error:
        dataclasses.replace(task_of(4, 8, 0.5), **changes)

    assert message in str(error.value)
