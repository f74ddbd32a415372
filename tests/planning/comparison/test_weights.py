"""Weights from options and files: defaults, what takes the place of what, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from planning.comparison.criteria import CRITERIA
from planning.comparison.weights import make_weights, parse_weights
from planning.comparison.weights_file import read_weights
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


@pytest.mark.parametrize(
    ("name", "text"), [("w.yaml", "price: 3\nothers: 0.5\n"), ("w.json", '{"price": 3, "others": 0.5}')]
)
def test_a_file_is_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert read_weights(file) == {"price": 3, "others": 0.5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price: 3\nprice: 4\n", "price"),
        ("- price\n", "must name criteria with their weights"),
        ("", "must name criteria with their weights"),
        ("price: [\n", "is neither YAML nor JSON"),
        ("!!python/object/apply:os.getcwd []", "w.yaml"),
    ],
    ids=["twice", "list", "empty", "broken", "code"],
)
def test_a_file_that_is_no_mapping_of_weights_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text)
    with pytest.raises(PlanningError) as caught:
        read_weights(file)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanningError, match="cannot be read"):
        read_weights(tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanningError, match="cannot be read"):
        read_weights(tmp_path / "binary")


def test_not_a_number_in_a_file_is_refused_as_a_weight(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("price: .nan\n")
    with pytest.raises(PlanningError, match="weight of price = nan"):
        make_weights(read_weights(file))
