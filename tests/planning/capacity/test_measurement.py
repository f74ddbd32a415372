"""Percentiles and what a step says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.capacity.measurement import PERCENTILES, Step, percentile

LATENCIES = st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=300)
PERCENT = st.integers(1, 100)


@given(LATENCIES, PERCENT)
def test_a_percentile_is_the_least_value_that_enough_do_not_exceed(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)


@given(LATENCIES.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))), PERCENT)
def test_the_order_of_the_samples_says_nothing(both: tuple[list[float], list[float]], percent: int) -> None:
    assert percentile(both[0], percent) == percentile(both[1], percent)


@given(LATENCIES, PERCENT)
def test_other_units_are_the_same_percentile(values: list[float], percent: int) -> None:
    assert percentile([value * 1024 for value in values], percent) == percentile(values, percent) * 1024


@given(LATENCIES)
def test_percentiles_rise(values: list[float]) -> None:
    found = [percentile(values, percent) for percent in PERCENTILES]
    assert found == sorted(found)


def test_by_hand() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, percent) for percent in (1, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert percentile([7.0], 99) == 7.0
    # 7 % of 100 is 7 exactly, which 0.07 * 100 in floating point is not.
    assert percentile(hundred, 7) == 7


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_there_is_no_percentile(values: list[float], percent: int) -> None:
    with pytest.raises(ValueError, match="no such thing"):
        percentile(values, percent)


def test_a_step_counts_answers_and_failures_apart() -> None:
    step = Step(concurrency=4, seconds=2.0, answered=6, latencies_ms=(1.0,) * 6, errors={"HTTP 503": 1, "timeout": 1})
    assert (step.requests_per_second, step.failed, step.error_share) == (3.0, 2, 0.25)
    silent = Step(concurrency=1, seconds=1.0, answered=0, latencies_ms=(), errors={})
    assert (silent.latency_ms(99), silent.error_share) == (None, 0.0)
