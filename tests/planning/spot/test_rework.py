"""What interruptions cost: the closed form against simulation, Young's rule, and a search for the minimum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from planning.errors import PlanningError
from planning.spot.rework import (
    best_checkpoint_interval,
    best_rework,
    expected_spot_hours,
    rework_multiplier,
    youngs_interval,
)

MEANS = st.floats(0.5, 5000)
CHECKPOINTS = st.floats(1e-4, 0.5)
RESTARTS = st.floats(0, 0.5)


def simulated_hours(
    segments: int, interval: float, checkpoint: float, restart: float, mean: float, generator: np.random.Generator
) -> float:
    """Plays so many segments of work to their end, interruption by interruption; returns the hours it took."""
    hours, needed = 0.0, interval + checkpoint
    for _ in range(segments):
        interrupted = False
        while True:
            alone = (restart if interrupted else 0.0) + needed
            until = generator.exponential(mean)
            # Either a restart or the work itself is cut short: both begin again with a restart.
            if until >= alone:
                hours += alone
                break
            hours += until
            interrupted = True
    return hours


@pytest.mark.parametrize(
    ("interval", "checkpoint", "restart", "mean"),
    [(1.0, 0.1, 0.2, 5.0), (0.5, 0.05, 0.5, 2.0), (2.0, 0.01, 0.0, 1.5), (1.0, 0.2, 0.1, 100.0)],
)
def test_the_expected_time_is_the_mean_of_a_simulation(
    interval: float, checkpoint: float, restart: float, mean: float
) -> None:
    generator = np.random.default_rng(20061)
    runs = np.array(
        [simulated_hours(40, interval, checkpoint, restart, mean, generator) / (40 * interval) for _ in range(1000)]
    )
    expected = rework_multiplier(
        interval, checkpoint_hours=checkpoint, restart_hours=restart, interruptions_per_hour=1 / mean
    )
    assert abs(runs.mean() - expected) < 4 * runs.std(ddof=1) / math.sqrt(len(runs))


@given(MEANS, CHECKPOINTS, RESTARTS)
def test_the_best_interval_is_where_a_search_finds_the_minimum(mean: float, checkpoint: float, restart: float) -> None:
    def multiplier(interval: float) -> float:
        return rework_multiplier(
            interval, checkpoint_hours=checkpoint, restart_hours=restart, interruptions_per_hour=1 / mean
        )

    best = best_checkpoint_interval(checkpoint, 1 / mean)
    found = minimize_scalar(multiplier, bounds=(best / 100, min(best * 100, mean)), method="bounded")
    assert multiplier(best) <= found.fun * (1 + 1e-9)
    assert 0 < best < mean


@given(MEANS, st.floats(1e-12, 1e-3))
def test_it_is_youngs_interval_where_checkpoints_are_short(mean: float, ratio: float) -> None:
    young = youngs_interval(ratio * mean, mean)
    best = best_checkpoint_interval(ratio * mean, 1 / mean)
    # What Young leaves out is of the order of the square root of C / M.
    assert best == pytest.approx(young, rel=max(math.sqrt(ratio), 1e-9))
    assert best < young


@given(st.floats(0.99e-6, 1.01e-6), MEANS)
def test_series_and_closed_form_meet(ratio: float, mean: float) -> None:
    series = best_checkpoint_interval(0.9999e-6 * mean, 1 / mean)
    closed = best_checkpoint_interval(1.0001e-6 * mean, 1 / mean)
    assert closed / series == pytest.approx(math.sqrt(1.0001 / 0.9999), rel=1e-6)
    assert series < closed


@settings(max_examples=50)
@given(CHECKPOINTS, RESTARTS, st.floats(1e-4, 1), st.floats(1.01, 10))
def test_more_interruptions_and_longer_restarts_cost_more(
    checkpoint: float, restart: float, hazard: float, factor: float
) -> None:
    def hours(restart_hours: float, interruptions: float) -> float:
        return expected_spot_hours(
            100, checkpoint_hours=checkpoint, restart_hours=restart_hours, interruptions_per_hour=interruptions
        )

    assert 100 < hours(restart, hazard) < hours(restart, hazard * factor)
    assert hours(restart, hazard) < hours((restart + 0.01) * factor, hazard)


def test_without_interruptions_nothing_is_lost_and_nothing_need_be_written() -> None:
    rework = best_rework(checkpoint_hours=0.1, restart_hours=0.1, interruptions_per_hour=0)
    assert rework.multiplier == 1
    assert rework.checkpoint_interval_hours == math.inf


def test_checkpoints_that_take_no_time_leave_only_restarts() -> None:
    rework = best_rework(checkpoint_hours=0, restart_hours=0.5, interruptions_per_hour=0.1)
    assert rework.checkpoint_interval_hours == 0
    assert rework.multiplier == pytest.approx(math.exp(0.05))


def test_a_job_that_never_ends_takes_infinitely_long() -> None:
    assert expected_spot_hours(1, checkpoint_hours=1, restart_hours=1e6, interruptions_per_hour=1) == math.inf
    assert expected_spot_hours(0, checkpoint_hours=1, restart_hours=1e6, interruptions_per_hour=1) == 0


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_length_of_time_is_refused(wrong: float) -> None:
    for name in ("checkpoint_hours", "restart_hours", "interruptions_per_hour"):
        arguments = {"checkpoint_hours": 0.1, "restart_hours": 0.1, "interruptions_per_hour": 0.1} | {name: wrong}
        with pytest.raises(PlanningError, match=name):
            best_rework(**arguments)
    with pytest.raises(PlanningError, match="interval_hours"):
        rework_multiplier(wrong, checkpoint_hours=0.1, restart_hours=0.1, interruptions_per_hour=0.1)
    with pytest.raises(PlanningError, match="useful_hours"):
        expected_spot_hours(wrong, checkpoint_hours=0.1, restart_hours=0.1, interruptions_per_hour=0.1)
