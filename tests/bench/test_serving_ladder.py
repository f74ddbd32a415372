"""The load that a server is compared under."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.serving_ladder import Rung, choose

times = st.floats(min_value=0.001, max_value=10_000)


def rung(clients: int, milliseconds: list[float], seconds: float = 1.0) -> Rung:
    return Rung(clients, milliseconds, seconds)


def test_the_99th_percentile_leaves_one_of_a_hundred_aside() -> None:
    assert rung(1, [1.0] * 99 + [500.0]).p99 == 1.0
    assert rung(1, [1.0] * 98 + [500.0] * 2).p99 == 500.0


def test_without_an_answer_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(BenchError, match="no request was answered"):
        choose({1: rung(1, [])})


def test_the_most_requests_within_the_limit_count_not_the_most_clients() -> None:
    chosen = choose({1: rung(1, [1.0] * 900), 4: rung(4, [4.0] * 1_000), 16: rung(16, [20.0] * 800)}, limit=50)
    assert (chosen.rung.clients, chosen.within_limit) == (4, True)


def test_a_rung_beyond_the_limit_does_not_count_however_many_requests_it_has() -> None:
    chosen = choose({1: rung(1, [1.0] * 900), 64: rung(64, [1.0] * 4_900 + [51.0] * 100)}, limit=50)
    assert (chosen.rung.clients, chosen.within_limit) == (1, True)
    assert choose({64: rung(64, [50.0] * 4_900)}, limit=50).within_limit


def test_where_none_is_within_the_limit_it_is_the_one_with_the_lowest_p99() -> None:
    chosen = choose({1: rung(1, [80.0] * 10), 4: rung(4, [60.0] * 5)}, limit=50)
    assert (chosen.rung.clients, chosen.within_limit) == (4, False)


@given(st.dictionaries(st.integers(1, 64), st.lists(times, min_size=1, max_size=50), min_size=1), times)
def test_the_chosen_rung_is_beaten_by_none_within_the_limit(measured: dict[int, list[float]], limit: float) -> None:
    rungs = {clients: rung(clients, values) for clients, values in measured.items()}
    chosen = choose(rungs, limit)
    within = [each for each in rungs.values() if each.p99 <= limit]
    assert chosen.within_limit == bool(within)
    if within:
        assert chosen.rung.requests_a_second == max(each.requests_a_second for each in within)


def test_turns_add_up() -> None:
    both = Rung(4)
    both.add(Rung(4, [1.0, 2.0], 1.0, 0.25))
    both.add(Rung(4, [3.0], 2.0, 0.5))
    assert (both.requests_a_second, both.p99, both.busy) == (1.0, 3.0, 0.25)
