"""The figures of a schedule by hand, and that every kind of broken rule is found."""

import pytest

from planning.errors import PlanningError
from planning.jobs.model import Workload
from planning.jobs.schedule import Placement, Schedule, check_schedule, metrics_of
from tests.planning.jobs.workloads import job, nodes

WORKLOAD = Workload(
    (
        job("a", 4, 2, team="red"),
        job("b", 2, 1, team="blue", release_hours=1),
        job("c", 2, 2, team="blue", after=("a",), memory_gib=4),
    ),
    nodes(2, 1, memory_gib=8),
    {"blue": 2.0},
)


def schedule(**changes: tuple[str, float, float]) -> Schedule:
    placements = {"a": ("n0", 0.0, 4.0), "b": ("n1", 2.0, 4.0), "c": ("n0", 6.0, 8.0)} | changes
    return Schedule(
        tuple(Placement(job=name, node=node, start=start, end=end) for name, (node, start, end) in placements.items())
    )


def test_figures_are_those_worked_out_by_hand() -> None:
    metrics = metrics_of(WORKLOAD, schedule())

    # 4 x 2 + 2 x 1 + 2 x 2 = 14 GPU hours in 8 h on 3 GPUs.
    assert metrics.makespan_hours == 8
    assert metrics.busy_gpus == 14 / 8
    assert metrics.utilisation == pytest.approx(14 / 24)
    # a waits 0, b 1 h of 2, c 2 h from when a has ended.
    assert metrics.mean_wait_hours == 1
    assert metrics.mean_slowdown == pytest.approx((1 + 1.5 + 2) / 3)
    # Red is slowed down by 1, blue by 1.75.
    assert metrics.fairness == pytest.approx(2.75**2 / (2 * (1 + 1.75**2)))
    assert metrics.worst_team_wait_hours == 2 * 1.5


def test_short_jobs_do_not_make_the_slowdown() -> None:
    workload = Workload((job("long", 1, 1), job("blink", 0.001, 1)), nodes(1))
    placed = Schedule(
        (Placement(job="long", node="n0", start=0, end=1), Placement(job="blink", node="n0", start=1, end=1.001))
    )

    assert metrics_of(workload, placed).mean_slowdown == pytest.approx((1 + 1.001 * 6) / 2)


def test_teams_that_are_slowed_down_alike_have_a_fairness_of_one() -> None:
    workload = Workload((job("a", 1, team="x"), job("b", 1, team="y")), nodes(2))
    placed = Schedule(tuple(Placement(job=name, node="n0", start=3, end=4) for name in "ab"))

    assert metrics_of(workload, placed).fairness == pytest.approx(1.0)


def test_a_valid_schedule_passes() -> None:
    check_schedule(WORKLOAD, schedule())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b": ("n1", 0.5, 2.5)}, "job 'b': starts before it is handed in"),
        ({"c": ("n0", 3.0, 5.0)}, "job 'c': starts before 'a' has ended"),
        ({"c": ("n1", 6.0, 8.0)}, "job 'c': does not fit on n1"),
        ({"c": ("n0", 6.0, 7.0)}, "job 'c': runs for 1 h"),
        ({"b": ("n0", 2.0, 4.0)}, "node 'n0': more than its 2 GPUs are taken at 2 h"),
    ],
)
def test_broken_rules_are_found(changes: dict[str, tuple[str, float, float]], message: str) -> None:
    with pytest.raises(PlanningError) as error:
        check_schedule(WORKLOAD, schedule(**changes))

    assert message in str(error.value)


def test_too_little_main_memory_is_found() -> None:
    workload = Workload((job("a", 1, memory_gib=6), job("b", 1, memory_gib=6)), nodes(2, memory_gib=8))
    placed = Schedule(tuple(Placement(job=name, node="n0", start=0, end=1) for name in "ab"))

    with pytest.raises(PlanningError, match="more than its 8 GiB are taken at 0 h"):
        check_schedule(workload, placed)


def test_a_job_left_out_or_run_twice_is_found() -> None:
    twice = Schedule((*schedule().placements, schedule().placements[0]))
    without = Schedule(schedule().placements[1:])

    for broken in (twice, without):
        with pytest.raises(PlanningError, match="must have every job exactly once"):
            check_schedule(WORKLOAD, broken)
