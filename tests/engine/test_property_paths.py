"""Property paths: parsing, `ignoreChanges`, and the differences that people are shown."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import property_paths, values
from engine.values import Properties, Secret

STEPS = st.one_of(st.text(min_size=1, max_size=6), st.integers(min_value=0, max_value=99))
PATHS = st.tuples(st.text(min_size=1, max_size=6), *[]).flatmap(
    lambda first: st.lists(STEPS, max_size=3).map(lambda rest: (*first, *rest))
)
LEAVES = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=4))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@given(PATHS)
def test_what_is_rendered_is_parsed_back(path: property_paths.Path) -> None:
    assert property_paths.parse(property_paths.render(path)) == path


@pytest.mark.parametrize("text", ["", "[", 'a["', "a..", "a[x]", "a[0"])
def test_malformed_paths_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="property path"):
        property_paths.parse(text)


@given(PROPERTIES, PROPERTIES)
def test_a_difference_is_empty_exactly_where_values_are_the_same(old: Properties, new: Properties) -> None:
    assert bool(property_paths.difference(old, new)) == (not values.same(old, new))


@given(PROPERTIES, PROPERTIES)
def test_ignoring_every_difference_leaves_none_but_additions_below_new_parents(
    old: Properties, new: Properties
) -> None:
    before = copy.deepcopy(new)
    top_level = [property_paths.parse(f'["{key}"]') for key in {*old, *new}]
    assert property_paths.difference(old, property_paths.restore(new, old, top_level)) == {}
    assert new == before


def test_wildcards_and_nested_paths_are_ignored() -> None:
    old = {"rules": [{"port": 1, "name": "a"}, {"port": 2, "name": "b"}], "tags": {"x": "1"}}
    new = {"rules": [{"port": 8, "name": "a"}, {"port": 9, "name": "c"}], "tags": {"x": "2", "y": "3"}}
    restored = property_paths.restore(new, old, [property_paths.parse("rules[*].port"), property_paths.parse("tags.*")])
    assert restored == {"rules": [{"port": 1, "name": "a"}, {"port": 2, "name": "c"}], "tags": {"x": "1"}}


def test_a_secret_stays_one_when_a_part_of_it_is_ignored() -> None:
    restored = property_paths.restore({"a": Secret({"b": 2, "c": 3})}, {"a": Secret({"b": 1, "c": 0})}, [("a", "b")])
    assert restored == {"a": Secret({"b": 1, "c": 3})}


def test_internal_properties_are_not_shown() -> None:
    assert property_paths.difference({"__provider": "x", "a": 1}, {"__provider": "y", "a": 1}) == {}


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("tags", "tags.Name", True),
        ("tags.Name", "tags", False),
        ("tags.Name", "tags.Other", False),
        ("*", "anything", True),
        ("rules[*].port", "rules[3].port", True),
        ("rules[0]", "rules[1]", False),
    ],
)
def test_covers(pattern: str, path: str, covered: bool) -> None:
    assert property_paths.covers(property_paths.parse(pattern), property_paths.parse(path)) is covered
