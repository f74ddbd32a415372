"""Capacity that is sold in whole days: how many days are best for given counts, against trying every number of them."""

import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planning.fleet import programme
from planning.fleet.candidates import find_candidates
from planning.fleet.problem import Problem
from planning.fleet.work import Work
from tests.planning.fleet.books import book, kind, price

FAST, SLOW = kind("fast", gpus=8), kind("slow")


def problem(
    *, prepaid_usd: float, usd: float, gpu_hours: float, deadline: float, budget: float | None = None
) -> Problem:
    offers = book([(SLOW, price(SLOW, prepaid_usd, capacity="reserved")), (FAST, price(FAST, usd))])
    work = Work(gpu_hours=gpu_hours, deadline_hours=deadline, budget_usd=budget)
    return Problem.of(work, find_candidates(work, offers), prune=False)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 400).map(lambda cents: cents / 100),
    st.integers(1, 4000).map(lambda cents: cents / 100),
    st.floats(1, 3000),
    st.floats(5, 500),
    st.tuples(st.integers(1, 3), st.integers(0, 3)),
    st.one_of(st.none(), st.floats(10, 5000)),
    st.sampled_from(["cost", "time"]),
)
def test_the_number_of_days_is_the_best_of_all(
    prepaid_usd: float,
    usd: float,
    gpu_hours: float,
    deadline: float,
    nodes: tuple[int, int],
    budget: float | None,
    aim: programme.Objective,
) -> None:
    asked = problem(prepaid_usd=prepaid_usd, usd=usd, gpu_hours=gpu_hours, deadline=deadline, budget=budget)
    counts = np.array([nodes[0] if each.is_prepaid else nodes[1] for each in asked.candidates])
    chosen = np.flatnonzero(counts)
    ends = [*(24.0 * day for day in range(1, int(deadline / 24) + 1)), deadline]
    tried = [programme._settle_until(asked, aim, counts, chosen, end, budget) for end in ends]
    expected = min((each.value for each in tried if each is not None), default=math.inf)
    settled = programme._settle(asked, aim, counts)
    assert (math.inf if settled is None else settled.value) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("aim", ["cost", "time"])
def test_a_year_of_days_takes_a_few_programmes_only(aim: programme.Objective) -> None:
    asked = problem(prepaid_usd=0.5, usd=30.0, gpu_hours=5000.0, deadline=8760.0, budget=50000.0)
    with patch.object(programme, "linprog", wraps=linprog) as solved:
        settled = programme._settle(asked, aim, np.array([1, 1]))
    assert settled is not None
    assert solved.call_count < 40
