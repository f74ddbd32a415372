"""Plans: equal to the best of all schedules where all can be tried, never worse than FIFO, with bounds that hold."""

import numpy as np
import pytest
from hypothesis import given, settings

from planning.errors import PlanningError
from planning.jobs.bounds import shortest_makespan
from planning.jobs.comparison import compare_schedulers
from planning.jobs.dispatch import dispatch_jobs, fifo
from planning.jobs.list_plan import cost_of, place_in_order, plan_by_lists
from planning.jobs.milp_plan import plan_by_programme
from planning.jobs.model import Job, Workload
from planning.jobs.plan import plan_jobs
from planning.jobs.schedule import check_schedule, metrics_of
from tests.planning.jobs.workloads import job, nodes, shortest_by_trying, workloads


@settings(max_examples=40, deadline=None)
@given(workloads(most_jobs=4))
def test_the_programme_is_as_short_as_the_best_of_all_schedules(workload: Workload) -> None:
    known = dispatch_jobs(workload, fifo, estimated=True)

    solved = plan_by_programme(workload, known)

    assert solved is not None
    check_schedule(workload, solved.plan, estimated=True)
    assert solved.makespan_is_proven
    assert solved.plan.makespan == pytest.approx(shortest_by_trying(workload))
    assert solved.lower_bound == pytest.approx(solved.plan.makespan)


@settings(max_examples=40, deadline=None)
@given(workloads(most_jobs=7))
def test_a_plan_is_valid_never_worse_than_fifo_and_never_below_the_bound(workload: Workload) -> None:
    plan = plan_jobs(workload, seconds=0, most_placements=400)

    check_schedule(workload, plan.schedule, estimated=True)
    one_after_the_other = dispatch_jobs(workload, fifo, estimated=True)
    own = metrics_of(workload, plan.schedule, estimated=True)
    assert own.utilisation >= metrics_of(workload, one_after_the_other, estimated=True).utilisation - 1e-9
    assert plan.schedule.makespan >= shortest_makespan(workload) - 1e-9
    assert 0 <= plan.gap < 1


@settings(max_examples=15, deadline=None)
@given(workloads(most_jobs=6))
def test_the_programme_lets_the_worst_team_wait_no_longer_than_local_search_does(workload: Workload) -> None:
    plan = plan_jobs(workload, most_placements=300)
    searched = plan_by_lists(workload, most_placements=300)

    assert cost_of(workload, plan.schedule)[:2] <= cost_of(workload, searched)[:2]
    assert plan.gap == 0


def test_a_plan_waits_on_purpose_where_that_is_shorter() -> None:
    # Whoever starts `small` at once keeps the long chain from the GPUs that it needs in an hour.
    workload = Workload(
        (job("small", 3, 1), job("wide", 6, 2, release_hours=1), job("last", 3, 1, after=("wide",))),
        nodes(2),
    )

    plan = plan_jobs(workload)

    assert dispatch_jobs(workload, fifo).makespan == 12
    assert plan.schedule.makespan == 10
    assert plan.gap == 0


def test_teams_take_turns_where_that_costs_nothing() -> None:
    jobs = tuple(job(f"{team}{number}", 1, 1, team=team) for team in "ab" for number in range(4))
    workload = Workload(jobs, nodes(1))

    in_line = metrics_of(workload, dispatch_jobs(workload, fifo))
    planned = metrics_of(workload, plan_jobs(workload).schedule)

    assert in_line.worst_team_wait_hours == 5.5
    assert planned.makespan_hours == in_line.makespan_hours
    assert planned.worst_team_wait_hours == 3.5
    assert planned.fairness > in_line.fairness


def test_a_team_that_counts_more_waits_less() -> None:
    jobs = tuple(job(f"{team}{number}", 1, 1, team=team) for team in "ab" for number in range(3))
    workload = Workload(jobs, nodes(1), {"b": 5.0})

    starts = {each.job: each.start for each in plan_jobs(workload).schedule.placements}

    assert sum(starts[f"b{number}"] for number in range(3)) < sum(starts[f"a{number}"] for number in range(3))


def test_bounds_know_chains_work_memory_and_wide_jobs() -> None:
    chain = Workload((job("a", 3, release_hours=1), job("b", 4, after=("a",))), nodes(4))
    work = Workload(tuple(job(f"j{number}", 2, 1) for number in range(6)), nodes(2))
    wide = Workload(tuple(job(f"j{number}", 2, 3) for number in range(3)), nodes(4))
    big = nodes(1, gpu_memory_gib=80)[0]
    memory = Workload(
        tuple(job(f"j{number}", 2, 1, gpu_memory_gib=80) for number in range(3)),
        (big, *(node for node in nodes(8, 8, gpu_memory_gib=40)[1:])),
    )

    assert [shortest_makespan(each) for each in (chain, work, wide, memory)] == [8, 6, 6, 6]


def test_a_large_workload_is_planned_better_than_backfill_within_a_known_gap() -> None:
    workload = random_workload(60, 4, seed=60)

    comparison = compare_schedulers(workload, seconds=0)

    assert comparison.plan is not None
    assert comparison.plan.gap < 0.15
    used = {each.name: each.metrics.utilisation for each in comparison.results}
    assert comparison.best.name == "optimal"
    assert used["optimal"] > max(used["fifo"], used["backfill"], used["conservative"]) + 0.05


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    workload = random_workload(30, 2, seed=5)

    assert plan_by_lists(workload, 3, 2000) == plan_by_lists(workload, 3, 2000)


def test_what_the_programme_cannot_hold_is_left_to_local_search() -> None:
    odd = Workload((job("a", 1 / 7), job("b", 1.0)), nodes(1))
    long = Workload((job("a", 1 / 60), job("b", 1000.0)), nodes(1))

    for workload in (odd, long):
        assert plan_by_programme(workload, place_in_order(workload, workload.jobs)) is None
        assert plan_jobs(workload).gap == 0


@pytest.mark.parametrize("settings_", [{"seconds": -1.0}, {"seconds": float("nan")}, {"seed": -1}])
def test_limits_that_make_no_sense_are_refused(settings_: dict[str, float]) -> None:
    with pytest.raises(PlanningError):
        plan_jobs(Workload((job("a", 1),), nodes(1)), **settings_)  # type: ignore[arg-type]


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(PlanningError, match="policy = 'best': must be one of all, fifo, backfill"):
        compare_schedulers(Workload((job("a", 1),), nodes(1)), "best")


def random_workload(count: int, machines: int, seed: int) -> Workload:
    random = np.random.default_rng(seed)
    jobs: list[Job] = []
    for number in range(count):
        hours = float(random.gamma(2, 2) + 0.1)
        jobs.append(
            job(
                f"j{number}",
                hours,
                int(random.choice([1, 1, 2, 4, 8])),
                team="abc"[random.integers(3)],
                release_hours=float(random.integers(0, 10)),
                after=(f"j{random.integers(number)}",) if number and random.random() < 0.25 else (),
            )
        )
    return Workload(tuple(jobs), nodes(*[8] * machines))
