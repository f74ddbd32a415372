"""Which concurrencies are tried, and when the ladder ends."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.capacity.ladder import concurrencies, reason_to_end
from planning.capacity.measurement import Step
from planning.errors import PlanningError
from tests.planning.capacity.steps import step


@given(st.integers(1, 5000))
def test_the_ladder_doubles_up_to_its_top(most: int) -> None:
    tried = concurrencies(most)
    assert tried[0] == 1
    assert tried[-1] == most
    assert all(below < above <= 2 * below for below, above in itertools.pairwise(tried))


def test_no_client_is_no_load() -> None:
    with pytest.raises(PlanningError, match="--max-concurrency = 0: must be a whole number, 1 or more"):
        concurrencies(0)


@pytest.mark.parametrize(
    ("throughputs", "expected"),
    [
        ([100], None),
        ([100, 100], None),
        ([100, 200, 400], None),
        ([100, 200, 203], None),
        ([100, 200, 203, 204], "flat"),
        ([100, 200, 150, 250], None),
        ([100, 200, 150, 120], "flat"),
        ([100, 101, 102], "flat"),
    ],
)
def test_two_steps_without_growth_end_it(throughputs: list[float], expected: str | None) -> None:
    steps = [step(2**number, each) for number, each in enumerate(throughputs)]
    assert reason_to_end(steps, None) == expected


def test_a_broken_limit_and_silence_end_it_at_once() -> None:
    assert reason_to_end([step(1, 100, p99_ms=5), step(2, 200, p99_ms=20)], 20) is None
    assert reason_to_end([step(1, 100, p99_ms=5), step(2, 200, p99_ms=20.1)], 20) == "limit"
    refused = Step(concurrency=2, seconds=1.0, answered=0, latencies_ms=(), errors={"no connection": 900})
    assert reason_to_end([step(1, 100), refused], 20) == "unanswered"
