"""The omniscient bound: the exact optimum where time comes in whole steps, found by trying everything."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from planning.simulation.omniscient import least_possible_usd
from tests.planning.simulation.small_tasks import ON_DEMAND_USD, SPOT_USD, task_of, windows_of


def cheapest_by_trying(row: str, work: int, changeover: int) -> float:
    """Every sequence of idle, spot and on demand."""
    best = float("inf")
    for modes in product("-sd", repeat=len(row)):
        left, starting, before, usd = work, 0, "-", 0.0
        for mode, open_now in zip(modes, row, strict=True):
            if left == 0:
                break
            if mode == "s" and open_now == "0":
                usd = float("inf")
                break
            if mode != before:
                starting = changeover
            before = mode
            if mode != "-":
                usd += SPOT_USD if mode == "s" else ON_DEMAND_USD
                if starting:
                    starting -= 1
                else:
                    left -= 1
        if left == 0:
            best = min(best, usd)
    return best


@settings(max_examples=40, deadline=None)
@given(st.text("01", min_size=6, max_size=7), st.integers(1, 4), st.integers(0, 2))
def test_equals_the_best_of_all_sequences(row: str, work: int, changeover: int) -> None:
    assert least_possible_usd(task_of(work, len(row), changeover), windows_of(row))[0] == cheapest_by_trying(
        row, work, changeover
    )


def test_is_paid_by_the_prices_of_the_trace() -> None:
    windows = windows_of("1111", prices=[[5.0, 0.5, 0.25, 5.0]])

    assert least_possible_usd(task_of(2, 4), windows).tolist() == [0.75]


def test_is_below_what_any_run_pays_where_times_are_no_whole_steps() -> None:
    # 2.9 h of work count as 2 steps and the start of 0.9 h as none.
    assert least_possible_usd(task_of(2.9, 6, 0.9), windows_of("111111")).tolist() == [2.0]
