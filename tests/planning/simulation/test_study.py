"""Whole comparisons: the order of the published policies and ours, with fixed seeds and certain differences."""

import numpy as np
import pytest

from planning.errors import PlanningError
from planning.simulation.calibration import CALIBRATIONS
from planning.simulation.comparison import Comparison, Estimate
from planning.simulation.study import study_generated, study_traces
from planning.simulation.traces import Trace, Zone
from tests.planning.simulation.small_tasks import task_of

V100 = {"spot_usd_per_hour": 0.9701, "on_demand_usd_per_hour": 3.06}
"""A V100 on AWS, as in the paper's published simulator."""

pytestmark = pytest.mark.xdist_group("simulation study")


@pytest.fixture(scope="module", params=["v100x1:us-east-1a", "v100x1:us-east-1f", "v100x1:us-west-2a"])
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """Spot that is there for a sixth, for more than half, and for most of the time; a job fraction of 0.8."""
    return study_generated(task_of(48, 60, 0.1, **V100), CALIBRATIONS[request.param], 100, 7).comparison


def test_the_published_policies_come_in_their_order(comparison: Comparison) -> None:
    for policy, than in (("greedy", "on_demand"), ("uniform_progress", "greedy")):
        difference = comparison.difference_of(policy, than)
        assert difference.is_certain
        assert difference.usd.mean < 0


def test_ours_is_cheaper_than_greedy_and_than_uniform_progress(comparison: Comparison) -> None:
    for than in ("greedy", "uniform_progress"):
        difference = comparison.difference_of("least_expected_cost", than)
        assert difference.is_certain
        assert difference.usd.mean < 0


def test_nobody_with_the_net_is_late_and_spot_alone_is(comparison: Comparison) -> None:
    missed = {each.name: each.missed for each in comparison.results}

    assert missed.pop("spot_only") > 20
    assert set(missed.values()) == {0}


def test_uniform_progress_halves_the_gap_between_greedy_and_the_bound(comparison: Comparison) -> None:
    """As the paper says: by about 2x on average; more where spot is neither rare nor nearly always there."""
    gaps = {each.name: each.usd.mean - comparison.bound.mean for each in comparison.results}

    assert gaps["uniform_progress"] < 0.7 * gaps["greedy"]
    assert gaps["least_expected_cost"] < 0.3 * gaps["greedy"]


def test_with_a_loose_deadline_uniform_progress_is_not_better_than_greedy_but_ours_is() -> None:
    loose = study_generated(task_of(48, 120, 0.5, **V100), CALIBRATIONS["v100x1:us-east-1f"], 40, 7).comparison

    assert loose.difference_of("uniform_progress", "greedy").usd.mean > 0
    assert loose.difference_of("least_expected_cost", "greedy").usd.mean < 0


def test_the_same_seed_gives_the_same_figures() -> None:
    task = task_of(5, 7, 0.1)
    one, same, other = (
        study_generated(task, CALIBRATIONS["v100x1:us-east-1c"], 5, seed).comparison for seed in (1, 1, 2)
    )

    assert one == same
    assert one != other


def test_runs_on_a_trace_lie_in_its_second_half_without_overlap() -> None:
    half = [1, 1, 1, 0, 0] * 20
    trace = _trace("trace", half + half)

    study = study_traces(task_of(5, 9, 0.5), [trace, _trace("other", half + half)], most=100)

    # 100 steps of an hour each hold eleven runs of nine.
    assert study.comparison.runs == 22
    assert study.sources[0] == "trace: runs in its last 100 h: 11; known before: its first 100 h"
    assert len(study.timeline.available) == 9


def test_runs_are_spread_over_traces() -> None:
    traces = [_trace(f"trace {number}", [1, 0] * 50) for number in range(3)]

    study = study_traces(task_of(2, 9, 0.0), traces, most=4)

    assert [source.split(": ")[2][0] for source in study.sources] == ["2", "1", "1"]


def test_a_trace_whose_second_half_is_too_short_is_refused() -> None:
    with pytest.raises(PlanningError, match="short: has 5 h, which must be the deadline's 9 h or more"):
        study_traces(task_of(2, 9), [_trace("short", [1] * 10)], most=4)


@pytest.mark.parametrize(("traces", "seed"), [(0, 1), (1, -1)])
def test_numbers_that_make_no_sense_are_refused(traces: int, seed: int) -> None:
    with pytest.raises(PlanningError):
        study_generated(task_of(2, 9), CALIBRATIONS["v100x1:us-east-1c"], traces, seed)


def test_an_estimate_is_a_students_t_interval() -> None:
    estimate = Estimate.of(np.array([1.0, 2.0, 3.0, 4.0]))

    # t(0.975, 3) = 3.1824, s = 1.2910, n = 4.
    assert estimate.mean == 2.5
    assert estimate.high == pytest.approx(2.5 + 3.1824 * 1.2910 / 2, abs=1e-3)
    assert Estimate.of(np.array([1.0])) == Estimate(mean=1.0, low=None, high=None)


def _trace(name: str, marks: list[int]) -> Trace:
    return Trace(name=name, step_seconds=3600, zones=(Zone(name="zone", available=np.array(marks) == 1),))


@pytest.mark.parametrize(("work", "deadline", "traces"), [(2, 9, 100_000), (4000, 8000, 5)])
def test_what_would_take_hours_is_refused_before_it_begins(work: float, deadline: float, traces: int) -> None:
    with pytest.raises(PlanningError, match=rf"--traces = {traces} and --deadline-hours = {deadline}: would take too"):
        study_generated(task_of(work, deadline), CALIBRATIONS["v100x1:us-east-1c"], traces, 1)


def test_a_deadline_is_a_year_away_at_most() -> None:
    with pytest.raises(PlanningError, match="deadline_hours = 1e\\+09: must be 8760"):
        task_of(2, 1e9)
