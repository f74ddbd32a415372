"""FIFO, both backfills and followed plans: by hand, and that no rule is ever broken."""

import pytest
from hypothesis import given, settings

from planning.jobs.dispatch import (
    Dispatcher,
    conservative_backfill,
    dispatch_jobs,
    easy_backfill,
    fifo,
    follow,
)
from planning.jobs.list_plan import place_in_order
from planning.jobs.model import Workload
from planning.jobs.schedule import Schedule, check_schedule
from tests.planning.jobs.workloads import job, nodes, workloads


def starts(schedule: Schedule) -> dict[str, float]:
    return {each.job: each.start for each in schedule.placements}


BLOCKED = Workload(
    (job("running", 4, 3), job("wide", 2, 4), job("small", 4, 1), job("long", 9, 1)),
    nodes(4),
)
"""While `running` leaves one GPU, `wide` has to wait; `small` ends in time for it, `long` does not."""


def test_fifo_lets_nobody_overtake() -> None:
    assert starts(dispatch_jobs(BLOCKED, fifo)) == {"running": 0, "wide": 4, "small": 6, "long": 6}


@pytest.mark.parametrize("backfill", [easy_backfill, conservative_backfill])
def test_backfill_starts_what_does_not_delay_the_one_that_waits(backfill: Dispatcher) -> None:
    assert starts(dispatch_jobs(BLOCKED, backfill)) == {"running": 0, "small": 0, "wide": 4, "long": 6}


def test_conservative_backfill_delays_no_waiting_job_and_easy_only_not_the_first() -> None:
    workload = Workload(
        (job("running", 4, 2), job("first", 4, 3), job("second", 1, 2), job("third", 5, 1)),
        nodes(4),
    )

    # EASY lets `third` in at once; of the promises that conservative backfill makes, none is broken.
    assert starts(dispatch_jobs(workload, easy_backfill))["second"] == 0
    assert starts(dispatch_jobs(workload, conservative_backfill))["first"] == 4


def test_higher_priority_comes_first_and_nobody_comes_before_being_handed_in() -> None:
    workload = Workload(
        (job("a", 2, 2), job("b", 2, 2), job("c", 2, 2, priority=1), job("d", 1, 2, priority=9, release_hours=3)),
        nodes(2),
    )

    assert starts(dispatch_jobs(workload, fifo)) == {"c": 0, "a": 2, "d": 4, "b": 5}


def test_a_job_waits_for_those_before_it_without_holding_up_others() -> None:
    workload = Workload((job("a", 2), job("b", 1, after=("a",)), job("c", 1)), nodes(2))

    assert starts(dispatch_jobs(workload, fifo)) == {"a": 0, "c": 0, "b": 2}


def test_main_memory_limits_too() -> None:
    workload = Workload(
        (job("a", 1, memory_gib=6), job("b", 1, memory_gib=6), job("c", 1, memory_gib=4)), nodes(4, memory_gib=10)
    )

    assert starts(dispatch_jobs(workload, easy_backfill)) == {"a": 0, "c": 0, "b": 1}


def test_small_jobs_leave_large_nodes_to_large_jobs() -> None:
    workload = Workload((job("small", 1, 1), job("large", 1, 8)), nodes(8, 1))

    assert starts(dispatch_jobs(workload, fifo)) == {"small": 0, "large": 0}


def test_a_job_that_takes_longer_than_estimated_delays_those_behind_it() -> None:
    workload = Workload((job("a", 5, 2, estimated_hours=1), job("b", 1, 2)), nodes(2))

    for dispatcher in (fifo, easy_backfill, conservative_backfill):
        assert starts(dispatch_jobs(workload, dispatcher)) == {"a": 0, "b": 5}


def test_a_job_that_ends_early_lets_others_start_early() -> None:
    workload = Workload((job("a", 1, 2, estimated_hours=5), job("b", 1, 2)), nodes(2))
    plan = place_in_order(workload, workload.jobs)

    assert starts(plan)["b"] == 5
    assert starts(dispatch_jobs(workload, follow(workload, plan)))["b"] == 1


@settings(max_examples=80, deadline=None)
@given(workloads(right_estimates=False))
def test_no_scheduler_ever_breaks_a_rule(workload: Workload) -> None:
    plan = place_in_order(workload, workload.in_order)
    for dispatcher in (fifo, easy_backfill, conservative_backfill, follow(workload, plan)):
        check_schedule(workload, dispatch_jobs(workload, dispatcher))


@settings(max_examples=60, deadline=None)
@given(workloads())
def test_a_followed_plan_starts_nothing_later_than_planned(workload: Workload) -> None:
    plan = place_in_order(workload, workload.in_order)
    check_schedule(workload, plan, estimated=True)

    followed = starts(dispatch_jobs(workload, follow(workload, plan), estimated=True))

    assert all(followed[name] <= start + 1e-9 for name, start in starts(plan).items())
