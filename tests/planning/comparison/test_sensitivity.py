"""How far weights can move, and how stable the first is: exact where one can calculate, the same for the same seed."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given

from planning.comparison.criteria import CriterionName
from planning.comparison.scoring import rank
from planning.comparison.sensitivity import stability, weight_ranges
from tests.planning.comparison.small_book import value
from tests.planning.comparison.test_scoring import Table, only, some_weights, tables

STEP = 1e-4

CROSSING: Table = {
    "cheap": {"price": value(1), "availability": value(2)},
    "middle": {"price": value(2), "availability": value(10)},
    "dear": {"price": value(3), "availability": value(8)},
}


def test_the_range_of_a_weight_is_that_of_a_calculation_by_hand() -> None:
    # cheap: price 1, availability 0; middle: 0.5 and 1. They are equal where w = 0.5 w + 1 a, so at w = 2 a.
    price, availability = weight_ranges(rank(CROSSING, only(price=3, availability=1)))
    assert (price.criterion, price.least, price.below) == ("price", pytest.approx(2), "middle")
    assert (price.most, price.above) == (math.inf, None)
    assert (availability.least, availability.below) == (0, None)
    assert (availability.most, availability.above) == (pytest.approx(1.5), "middle")


def test_a_range_takes_what_is_unknown_into_account() -> None:
    table: Table = {
        "a": {"price": value(1), "storage": value(3), "egress": value(None)},
        "b": {"price": value(2), "storage": value(1), "egress": value(5)},
        "c": {"price": value(3), "storage": value(2), "egress": value(9)},
    }
    ranking = rank(table, only(price=4, storage=1, egress=1))
    assert ranking.rows[0].key == "a"
    egress = next(each for each in weight_ranges(ranking) if each.criterion == "egress")
    # a stays at 4/5; b is (4 * 0.5 + 1 + w) / (5 + w), which is 4/5 at w = 5.
    assert (egress.most, egress.above) == (pytest.approx(5), "b")


@given(tables(), some_weights())
def test_the_first_stays_first_within_the_range_and_not_just_outside(
    table: Table, weights: Mapping[CriterionName, float]
) -> None:
    ranking = rank(table, weights)
    assume(len(ranking.ranked) >= 2)
    # Ranges take for granted who is ranked, so that the comparison has to do without the others.
    kept = {row.key: table[row.key] for row in ranking.ranked}
    ranking = rank(kept, weights, min_coverage=0)
    assume(all(row.score is not None for row in ranking.rows))
    first = ranking.rows[0].key

    def lead(of: str, criterion: CriterionName, weight: float) -> float:
        scores = {row.key: row.score or 0.0 for row in rank(kept, {**weights, criterion: weight}, min_coverage=0).rows}
        return scores[of] - scores[first]

    for each in weight_ranges(ranking):
        # Scores are rounded, so that far out a step has to be long to show.
        least, most = each.least - STEP * (1 + each.least), each.most + STEP * (1 + each.most)
        if each.above is not None:
            assert lead(each.above, each.criterion, most) > 0
        if each.below is not None and least > 0:
            assert lead(each.below, each.criterion, least) > 0
        inside = (each.least + STEP, (each.least + each.weight) / 2, min(each.most, 2 * each.weight + 1) - STEP)
        for weight in (weight for weight in inside if each.least < weight < each.most):
            assert all(lead(key, each.criterion, weight) < 1e-7 for key in kept)


def test_stability_is_the_same_for_the_same_seed_and_for_any_order() -> None:
    weights = only(price=2.2, availability=1)
    one = stability(rank(CROSSING, weights))
    backwards: Table = dict(reversed(CROSSING.items()))
    assert one == stability(rank(CROSSING, weights)) == stability(rank(backwards, weights))
    assert one.first[0][0] == "cheap"
    assert one.share == dict(one.first)["cheap"]
    assert 0.4 < one.share < 0.8
    assert sum(share for _, share in one.first) == pytest.approx(1)


def test_what_dominates_is_first_in_every_draw() -> None:
    table: Table = {
        "best": {"price": value(1), "availability": value(9)},
        "worst": {"price": value(2), "availability": value(1)},
    }
    found = stability(rank(table, only(price=1, availability=1)))
    assert (found.share, found.first) == (1.0, (("best", 1.0),))


def test_a_wider_spread_makes_a_close_race_less_stable() -> None:
    ranking = rank(CROSSING, only(price=3, availability=1))
    narrow, wide = stability(ranking, spread=1.1), stability(ranking, spread=5)
    assert narrow.share == 1.0
    assert wide.share < narrow.share


@given(tables(), some_weights())
def test_shares_of_the_draws_are_shares(table: Table, weights: Mapping[CriterionName, float]) -> None:
    found = stability(rank(table, weights), draws=50)
    assert all(0 < share <= 1 for _, share in found.first)
    assert 0 <= found.share <= 1


def test_there_are_no_ranges_where_only_one_is_ranked() -> None:
    table: dict[Any, Any] = {"a": {"price": value(1)}}
    ranking = rank(table, only(price=1))
    assert weight_ranges(ranking) == ()
    assert stability(ranking).first == ()
