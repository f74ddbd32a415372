"""Scores and ranks: what they are by hand, and what holds for whatever is compared."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planning.comparison.criteria import CRITERIA, CriterionName, Measurement
from planning.comparison.scoring import rank
from planning.comparison.weights import make_weights
from tests.planning.comparison.small_book import value

NAMES: tuple[CriterionName, ...] = ("price", "spot_price", "availability", "protection")
Table = dict[str, dict[CriterionName, Measurement]]

numbers = st.integers(1, 1000).map(float)
shares = st.integers(0, 12).map(lambda twelfths: twelfths / 12)


def known_row(draw: Any) -> dict[CriterionName, float]:
    return {name: draw(shares if CRITERIA[name].natural_scale else numbers) for name in NAMES}


@st.composite
def tables(draw: Any, *, holes: bool = True) -> Table:
    table: Table = {}
    for key in "abcde"[: draw(st.integers(2, 5))]:
        row = known_row(draw)
        table[key] = {name: value(None if holes and draw(st.booleans()) else number) for name, number in row.items()}
    return table


@st.composite
def some_weights(draw: Any) -> Mapping[CriterionName, float]:
    given = {name: draw(st.integers(0, 8)) for name in NAMES}
    assume(any(given.values()))
    return make_weights({"others": 0} | given)


def only(**weights: float) -> Mapping[CriterionName, float]:
    return make_weights({"others": 0} | weights)


def score_of(table: Table, weights: Mapping[CriterionName, float], key: str) -> float | None:
    return next(row.score for row in rank(table, weights).rows if row.key == key)


def rank_of(table: Table, weights: Mapping[CriterionName, float], key: str) -> int | None:
    return next(row.rank for row in rank(table, weights).rows if row.key == key)


def test_scores_are_those_of_a_calculation_by_hand() -> None:
    table: Table = {
        "cheap": {"price": value(1), "availability": value(2)},
        "middle": {"price": value(2), "availability": value(6)},
        "dear": {"price": value(5), "availability": value(10)},
    }
    ranking = rank(table, only(price=3, availability=1))
    assert [(row.key, row.score, row.rank) for row in ranking.rows] == [
        ("cheap", pytest.approx((3 * 1 + 1 * 0) / 4), 1),
        ("middle", pytest.approx((3 * 0.75 + 1 * 0.5) / 4), 2),
        ("dear", pytest.approx((3 * 0 + 1 * 1) / 4), 3),
    ]


def test_the_weight_of_what_is_unknown_is_spread_over_the_rest_and_bounds_the_score() -> None:
    table: Table = {
        "open": {"price": value(2), "availability": value(10), "storage": value(1)},
        "half": {"price": value(1), "availability": value(None), "storage": value(3)},
        "full": {"price": value(3), "availability": value(0), "storage": value(2)},
    }
    half = next(row for row in rank(table, only(price=2, availability=1, storage=1)).rows if row.key == "half")
    assert half.score == pytest.approx((2 * 1 + 1 * 0) / 3)
    assert (half.lowest, half.highest) == (pytest.approx(2 / 4), pytest.approx(3 / 4))
    assert half.coverage == pytest.approx(3 / 4)


def test_of_a_criterion_that_is_known_in_part_only_that_part_of_its_weight_counts() -> None:
    table: Table = {
        "part": {"price": value(1), "protection": value(1.0, known=0.5)},
        "whole": {"price": value(2), "protection": value(0.9)},
    }
    part = next(row for row in rank(table, only(price=1, protection=3)).rows if row.key == "part")
    assert part.score == pytest.approx((1 * 1 + 3 * 0.5 * 1.0) / (1 + 3 * 0.5))
    assert (part.lowest, part.highest) == (pytest.approx((1 + 1.5) / 4), pytest.approx(1.0))
    assert part.coverage == pytest.approx((1 + 1.5) / 4)


def test_a_share_is_taken_as_it_is_so_that_a_small_gap_stays_small() -> None:
    table: Table = {"a": {"protection": value(11 / 12)}, "b": {"protection": value(1.0)}}
    assert score_of(table, only(protection=1), "a") == pytest.approx(11 / 12)


def test_below_the_least_coverage_there_is_no_rank_but_a_score() -> None:
    table: Table = {
        "known": {"price": value(2), "availability": value(1)},
        "other": {"price": value(3), "availability": value(2)},
        "rumour": {"price": value(None), "availability": value(9)},
    }
    rows = rank(table, only(price=3, availability=1)).rows
    assert [(row.key, row.rank) for row in rows] == [("known", 1), ("other", 2), ("rumour", None)]
    assert rows[-1].score == 1.0
    assert rank_of(table, only(price=1, availability=1), "rumour") == 1


def test_a_criterion_that_tells_nobody_apart_has_no_influence() -> None:
    table: Table = {
        "a": {"price": value(1), "storage": value(7), "egress": value(5)},
        "b": {"price": value(2), "storage": value(7), "egress": value(None)},
    }
    ranking = rank(table, only(price=1, storage=100, egress=100), min_coverage=0)
    assert ranking.counting == ("price",)
    assert ranking.silent == ("storage", "egress")
    assert [row.score for row in ranking.rows] == [1.0, 0.0]


def test_without_anything_that_tells_them_apart_all_come_first_and_none_has_a_score() -> None:
    table: Table = {"a": {"price": value(4)}, "b": {"price": value(4)}}
    assert [(row.rank, row.score) for row in rank(table, only(price=1)).rows] == [(1, None), (1, None)]


def test_equal_scores_share_a_rank_and_are_ordered_by_name() -> None:
    table: Table = {"b": {"price": value(1)}, "c": {"price": value(2)}, "a": {"price": value(1)}}
    assert [(row.key, row.rank) for row in rank(table, only(price=1)).rows] == [("a", 1), ("b", 1), ("c", 3)]


@given(tables(), some_weights(), st.integers(1, 500), st.data())
def test_raising_a_price_never_improves_its_score_or_its_rank(
    table: Table, weights: Mapping[CriterionName, float], more: int, data: Any
) -> None:
    key = data.draw(st.sampled_from(sorted(table)))
    old = table[key]["price"].value
    assume(old is not None)
    dearer = table | {key: table[key] | {"price": value(old + more)}}
    before, after = score_of(table, weights, key), score_of(dearer, weights, key)
    if before is not None and after is not None:
        assert after <= before
    ranks = rank_of(table, weights, key), rank_of(dearer, weights, key)
    if before is not None and after is not None and None not in ranks:
        assert ranks[1] >= ranks[0]


@given(tables(), some_weights(), st.sampled_from([0.125, 0.5, 3, 1024]))
def test_scaling_all_weights_changes_nothing(
    table: Table, weights: Mapping[CriterionName, float], factor: float
) -> None:
    plain = rank(table, weights)
    scaled = rank(table, {name: factor * weight for name, weight in weights.items()})
    for row in plain.rows:
        other = next(each for each in scaled.rows if each.key == row.key)
        assert other.coverage == pytest.approx(row.coverage)
        assert other.score == (None if row.score is None else pytest.approx(row.score))


@given(tables(), some_weights(), st.randoms())
def test_the_order_of_the_input_changes_nothing(
    table: Table, weights: Mapping[CriterionName, float], random: Any
) -> None:
    shuffled = sorted(table)
    random.shuffle(shuffled)
    assert rank({key: table[key] for key in shuffled}, weights) == rank(table, weights)


@given(tables(holes=False), some_weights(), st.data())
def test_what_is_dominated_never_ranks_above_what_dominates_it(
    table: Table, weights: Mapping[CriterionName, float], data: Any
) -> None:
    strong, weak = data.draw(st.permutations(sorted(table)))[:2]
    worse = {}
    for name in NAMES:
        best = table[strong][name].value
        assert best is not None
        gap = data.draw(st.integers(0, 3)) * (best / 12 if CRITERIA[name].natural_scale else 1.0)
        worse[name] = value(best + gap if CRITERIA[name].less_is_better else max(0.0, best - gap))
    table = table | {weak: worse}
    strong_rank, weak_rank = rank_of(table, weights, strong), rank_of(table, weights, weak)
    assert strong_rank is not None
    assert weak_rank is not None
    assert strong_rank <= weak_rank


@given(tables(), some_weights())
def test_a_score_lies_within_its_bounds_and_they_meet_where_all_is_known(
    table: Table, weights: Mapping[CriterionName, float]
) -> None:
    for row in rank(table, weights).rows:
        if row.score is not None and row.lowest is not None and row.highest is not None:
            assert 0 <= row.lowest <= row.score <= row.highest <= 1
            if all(table[row.key][name].value is not None for name in NAMES):
                assert row.lowest == row.score == row.highest


@given(tables(), some_weights(), st.data())
def test_learning_what_was_unknown_keeps_the_score_within_the_bounds(
    table: Table, weights: Mapping[CriterionName, float], data: Any
) -> None:
    counting = rank(table, weights).counting
    holes = [(key, name) for key in table for name in counting if table[key][name].value is None]
    assume(holes)
    key, name = data.draw(st.sampled_from(holes))
    before = next(row for row in rank(table, weights).rows if row.key == key)
    known = [each[name].value for each in table.values() if each[name].value is not None]
    learnt = data.draw(st.sampled_from(known))
    after = score_of(table | {key: table[key] | {name: value(learnt)}}, weights, key)
    others_unknown = [each for each in counting if each != name and table[key][each].value is None]
    if not others_unknown:
        assert before.lowest is not None
        assert before.highest is not None
        assert after is not None
        assert before.lowest - 1e-9 <= after <= before.highest + 1e-9
