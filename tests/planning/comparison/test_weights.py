"""Weights from options and documents: defaults, what takes the place of what, and what is refused."""

from typing import Any

import pytest

from planning.comparison.criteria import CRITERIA
from planning.comparison.weights import make_weights, parse_weights
from planning.errors import PlanningError


def test_every_criterion_has_a_weight_and_what_is_named_last_counts() -> None:
    weights = make_weights({"price": 9, "storage": 2}, {"price": 3})
    assert set(weights) == set(CRITERIA)
    assert (weights["price"], weights["storage"], weights["spot_price"]) == (
        3,
        2,
        CRITERIA["spot_price"].default_weight,
    )


def test_others_is_every_criterion_that_is_not_named_with_it() -> None:
    weights = make_weights({"egress": 5}, {"others": 0, "price": 1})
    assert {name for name, weight in weights.items() if weight} == {"price"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"price": -1}, "weight of price = -1: must be a finite number, 0 or more"),
        ({"price": float("nan")}, "weight of price = nan"),
        ({"price": 1e308}, "weight of price = 1e+308: must be a number from 0 to 1e+06"),
        ({"price": float("inf")}, "weight of price = inf"),
        ({"price": "much"}, "weight of price = 'much'"),
        ({"price": True}, "weight of price = True"),
        ({"price": None}, "weight of price = None"),
        ({"prise": 1}, "weight of 'prise': there is no such criterion; did you mean price"),
        ({"beauty": 1}, "there are price, spot_price"),
        ({"others": 0}, "all weights are 0"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_weight_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanningError) as caught:
        make_weights(given)
    assert said in str(caught.value)


def test_all_wrong_weights_are_told_at_once() -> None:
    with pytest.raises(PlanningError) as caught:
        make_weights({"price": -1, "prise": 1}, {"egress": -2})
    assert len(str(caught.value).splitlines()) == 3


def test_options_are_read() -> None:
    assert parse_weights(["price=3", " egress = 0.5 "]) == {"price": 3, "egress": 0.5}


@pytest.mark.parametrize("option", ["price", "price=", "price=x", "=", "price:3"])
def test_an_option_of_another_form_is_refused(option: str) -> None:
    with pytest.raises(PlanningError, match="must be CRITERION=NUMBER"):
        parse_weights([option])


def test_a_weight_that_is_given_twice_is_refused() -> None:
    with pytest.raises(PlanningError, match="weight of price: is given twice, as 3 and 4"):
        parse_weights(["price=3", "price=4"])
