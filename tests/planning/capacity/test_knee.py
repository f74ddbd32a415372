"""The knee: what it is on curves whose knee is known, and what may not change it."""

import dataclasses
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.capacity.knee import bend, find_knee
from planning.capacity.measurement import Step
from tests.planning.capacity.steps import step

LADDER = (1, 2, 4, 8, 16, 32, 64)
THROUGHPUTS = st.lists(st.integers(1, 10_000), min_size=2, max_size=len(LADDER))
STEPS = st.builds(
    lambda rates: [step(clients, rate, p99_ms=p99) for clients, (rate, p99) in zip(LADDER, rates, strict=False)],
    st.lists(st.tuples(st.integers(1, 60), st.floats(1, 100)), min_size=1, max_size=len(LADDER)),
)


@pytest.mark.parametrize("full", [2, 4, 8, 16])
def test_a_service_with_so_many_places_has_its_knee_there(full: int) -> None:
    """Throughput grows with the clients until all places are taken, and then no more: min(N / R, X)."""
    steps = [step(clients, 100 * min(clients, full)) for clients in LADDER]
    found = find_knee(steps)
    assert found
    assert (found.step.concurrency, found.basis) == (full, "bend")


def test_a_straight_line_has_no_knee_yet() -> None:
    found = find_knee([step(clients, 100 * clients) for clients in LADDER])
    assert found
    assert (found.step.concurrency, found.basis) == (64, "still growing")


def test_a_service_that_more_clients_only_slow_down_is_best_with_one() -> None:
    for rates in ((100, 90, 80), (100, 100, 100)):
        found = find_knee([step(clients, rate) for clients, rate in zip(LADDER, rates, strict=False)])
        assert found
        assert (found.step.concurrency, found.basis) == (1, "bend")


def test_within_a_limit_it_is_the_largest_throughput() -> None:
    steps = [step(1, 100, p99_ms=5), step(2, 190, p99_ms=9), step(4, 300, p99_ms=20), step(8, 400, p99_ms=60)]
    found = find_knee(steps, 20)
    assert found
    assert (found.step.concurrency, found.basis) == (4, "limit")
    assert find_knee(steps, 4.9) is None


def test_what_was_cut_short_or_failed_does_not_count() -> None:
    steps = [step(1, 100), step(2, 300, is_whole=False), step(4, 500, failed=2)]
    for limit in (None, 50.0):
        found = find_knee(steps, limit)
        assert found
        assert found.step.concurrency == 1
    assert find_knee(steps[1:]) is None
    assert find_knee([]) is None


@given(STEPS.flatmap(lambda steps: st.tuples(st.just(steps), st.permutations(steps))), st.none() | st.floats(1, 100))
def test_the_order_of_steps_says_nothing(both: tuple[list[Step], list[Step]], limit: float | None) -> None:
    assert find_knee(both[0], limit) == find_knee(both[1], limit)


@given(STEPS.flatmap(lambda steps: st.tuples(st.just(steps), st.permutations(steps[0].latencies_ms))))
def test_the_order_of_samples_says_nothing(both: tuple[list[Step], list[float]]) -> None:
    steps, latencies = both
    other = [dataclasses.replace(steps[0], latencies_ms=tuple(latencies)), *steps[1:]]
    for limit in (None, 20.0):
        before, after = find_knee(steps, limit), find_knee(other, limit)
        assert (before and before.step.concurrency) == (after and after.step.concurrency)


@given(THROUGHPUTS, st.sampled_from([2.0**-10, 0.5, 8.0, 2.0**20]), st.sampled_from([0.25, 1.0, 4096.0]))
def test_units_move_no_bend(rates: list[int], per_second: float, each: float) -> None:
    xs = LADDER[: len(rates)]
    moved = bend([x * each for x in xs], [rate * per_second for rate in rates])
    assert moved == bend(xs, rates)


@given(st.lists(st.integers(1, 1000), min_size=len(LADDER) - 1, max_size=len(LADDER) - 1))
def test_on_a_curve_that_flattens_no_step_lies_farther_above_the_chord(slopes: list[int]) -> None:
    """Rising and concave: on such a curve what is found is the only bend, or all of it is nearly straight."""
    falling = sorted(slopes, reverse=True)
    widths = [above - below for below, above in pairwise(LADDER)]
    rates = [float(rate) for rate in accumulate((s * w for s, w in zip(falling, widths, strict=True)), initial=1)]
    found = bend(LADDER, rates)
    chord = [(rate - rates[0]) / (rates[-1] - rates[0]) - (x - 1) / 63 for x, rate in zip(LADDER, rates, strict=True)]
    if found is None:
        assert max(chord) <= 0.1
    else:
        assert chord[found] == max(chord) > 0.1
        # Before it the curve is steeper than its chord, and behind it flatter.
        mean = (rates[-1] - rates[0]) / 63
        assert all(slope >= mean for slope in falling[:found])
        assert all(slope <= mean for slope in falling[found:])


@given(STEPS, st.floats(1, 100), st.floats(1, 100))
def test_a_looser_limit_never_makes_it_less(steps: list[Step], one: float, other: float) -> None:
    strict, loose = (find_knee(steps, limit) for limit in sorted((one, other)))
    if strict:
        assert loose
        assert loose.step.requests_per_second >= strict.step.requests_per_second
