"""Traces: which zone a task is in, when an instance is lost, and the windows that runs take place in."""

import numpy as np
import pytest

from planning.errors import PlanningError
from planning.simulation.traces import (
    Availability,
    Trace,
    Zone,
    availability_of,
    cut_windows,
    episodes_of,
    split_history,
)


def trace_of(*rows: str, step_seconds: float = 3600.0, prices: list[list[float]] | None = None) -> Trace:
    zones = tuple(
        Zone(
            name=f"zone-{index}",
            available=np.array([mark == "1" for mark in row]),
            usd_per_hour=None if prices is None else np.array(prices[index]),
        )
        for index, row in enumerate(rows)
    )
    return Trace(name="trace", step_seconds=step_seconds, zones=zones)


def test_an_instance_is_lost_where_its_zone_has_no_room() -> None:
    availability = availability_of(trace_of("1101"))

    assert availability.available.tolist() == [True, True, False, True]
    assert availability.lost.tolist()[:3] == [False, False, True]
    assert availability.share == 0.75


def test_a_task_stays_in_its_zone_and_moves_when_it_must() -> None:
    availability = availability_of(trace_of("1100", "0111"))

    assert availability.available.all()
    # Zone 1 has room from step 1 on, but the task goes there only when zone 0 is full.
    assert availability.lost.tolist() == [False, False, True, False]


def test_a_task_that_must_move_goes_to_the_cheapest_zone() -> None:
    prices = [[1.0, 1.0, 1.0], [3.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
    availability = availability_of(trace_of("100", "011", "011", prices=prices))

    assert availability.usd_per_hour is not None
    assert availability.usd_per_hour.tolist() == [1.0, 2.0, 2.0]


def test_prices_of_some_zones_only_are_not_used() -> None:
    zones = (
        Zone(name="a", available=np.array([True]), usd_per_hour=np.array([1.0])),
        Zone(name="b", available=np.array([True])),
    )

    assert availability_of(Trace(name="t", step_seconds=60, zones=zones)).usd_per_hour is None


def test_windows_follow_each_other_without_overlap() -> None:
    availability = availability_of(trace_of("1110010"))

    (windows,) = cut_windows([availability], 3.0)

    assert windows.available.astype(int).tolist() == [[1, 1, 1], [0, 0, 1]]
    assert windows.age_hours.tolist() == [[0, 1, 2], [0, 1, 0]]


def test_windows_are_taken_from_all_traces_before_a_second_one_from_any() -> None:
    traces = [availability_of(trace_of("1" * 6)), availability_of(trace_of("0" * 6))]

    (windows,) = cut_windows(traces, 3.0, most=2)

    assert windows.available.mean(axis=1).tolist() == [1.0, 0.0]


def test_windows_of_other_steps_are_kept_apart() -> None:
    traces = [availability_of(trace_of("1111")), availability_of(trace_of("1111", step_seconds=1800))]

    assert [windows.step_hours for windows in cut_windows(traces, 2.0)] == [1.0, 0.5]


def test_a_trace_shorter_than_the_deadline_is_refused() -> None:
    with pytest.raises(PlanningError, match="trace: has 4 h, which must be the deadline's 5 h or more"):
        cut_windows([availability_of(trace_of("1111"))], 5.0)


def test_episodes_tell_what_came_next() -> None:
    episodes = list(episodes_of(availability_of(trace_of("1100", "0010"))))

    assert [(each.available, each.hours, each.followed_by_available) for each in episodes] == [
        (True, 2.0, True),
        (True, 1.0, False),
        (False, 1.0, None),
    ]


def test_history_and_future_are_the_whole_in_two() -> None:
    whole = availability_of(trace_of("1101", prices=[[1.0, 2.0, 3.0, 4.0]]))

    past, future = split_history(whole)

    assert _joined(past, future) == whole.available.tolist()
    assert future.usd_per_hour is not None
    assert future.usd_per_hour.tolist() == [3.0, 4.0]


def _joined(*parts: Availability) -> list[bool]:
    return [each for part in parts for each in part.available.tolist()]


def test_zones_of_unequal_length_are_refused() -> None:
    with pytest.raises(PlanningError, match=r"its zones have \[1, 2\] steps"):
        trace_of("1", "10")
