"""Property paths: parsing, `ignoreChanges`, and the differences that people are shown."""

import copy
import json

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
HIDDEN = st.recursive(
    st.just("hush"),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=3,
)
PARTLY_SECRET = st.recursive(
    st.one_of(LEAVES, HIDDEN.map(Secret)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=5,
)
IGNORED = st.builds(
    lambda first, rest: (first, *rest),
    st.sampled_from("ab*"),
    st.lists(st.sampled_from(["a", "b", "*", 0, 1]), min_size=1, max_size=3),
)


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


@given(
    st.dictionaries(st.sampled_from("ab"), PARTLY_SECRET, min_size=1, max_size=2),
    PROPERTIES,
    st.lists(IGNORED, min_size=1, max_size=3),
)
def test_what_was_secret_is_secret_wherever_it_is_kept(
    old: Properties, other: Properties, paths: list[property_paths.Path]
) -> None:
    revealed = json.loads(json.dumps(values.strip_secrets(old)).replace("hush", "new"))
    for new in (revealed, other, {**other, **{key: Secret(value) for key, value in revealed.items()}}):
        assert "hush" not in str(values.blind(property_paths.restore(new, old, paths)))


@pytest.mark.parametrize(
    ("path", "old", "new", "kept"),
    [
        ("q", Secret({"q": "hush", "r": 1}), {"q": "x", "r": 2}, {"q": Secret("hush"), "r": 2}),
        ("*", Secret({"q": "hush", "r": 1}), {"q": "x", "z": 2}, {"q": Secret("hush"), "r": Secret(1)}),
        ("[*].x", Secret([{"x": "hush", "o": 1}]), [{"x": "y", "o": 2}], [{"x": Secret("hush"), "o": 2}]),
        ("[0].x", [Secret({"x": "hush", "o": 1})], Secret([{"x": "y", "o": 2}]), Secret([{"x": "hush", "o": 2}])),
        ("[0]", ["plain", 1], Secret(["other", 2]), Secret(["plain", 2])),
        ("q", 1, {"q": 1, "r": 2}, {"r": 2}),
        ("q.r", {}, {"q": {"r": 1}}, {"q": {}}),
        ("q.r", 1, {"q": {"r": 1}}, {"q": {"r": 1}}),
        ("q.r.s", {}, {"q": {"r": {"s": 1}}}, {"q": {"r": {"s": 1}}}),
        ("*", 1, {"q": 1}, {"q": 1}),
        ("*.q", {"a": {"q": 1}}, {"a": {"q": 2}, "b": {"q": 3}}, {"a": {"q": 1}, "b": {"q": 3}}),
        ("q", {"q": 1}, 2, 2),
    ],
)
def test_what_pulumi_takes_over_where_changes_are_ignored(path: str, old: object, new: object, kept: object) -> None:
    ignored = property_paths.parse(f"p.{path}" if path[0] != "[" else f"p{path}")
    assert property_paths.restore({"p": new}, {"p": old}, [ignored]) == {"p": kept}


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
