"""The difference of two values is complete, as deep as it can be, and tells no secret."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.property_paths import parse
from lifecycle.changes.difference import NOT_SECRET, leaves, property_changes, same
from lifecycle.changes.report import SECRET, PropertyChange

KEYS = st.text(min_size=1, max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
PROPERTIES = st.dictionaries(KEYS, VALUES, max_size=4)


def changes(before: Any, after: Any) -> dict[str, tuple[str, Any, Any]]:
    return {each.path: (each.kind, each.before, each.after) for _, each in property_changes(before, after)}


@given(PROPERTIES)
def test_nothing_differs_from_itself(properties: dict[str, Any]) -> None:
    assert property_changes(properties, copy.deepcopy(properties)) == []


@given(PROPERTIES, PROPERTIES)
def test_a_difference_takes_one_state_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = property_changes(before, after)
    state = copy.deepcopy(before)
    # From the end: what goes from a list takes no place of what is still to go.
    for path, change in reversed([each for each in found if each[1].kind == "removed"]):
        apply(state, path, change)
    for path, change in (each for each in found if each[1].kind != "removed"):
        apply(state, path, change)
    assert same(state, after)


@given(PROPERTIES, PROPERTIES)
def test_a_difference_is_mirrored_by_the_one_back(before: dict[str, Any], after: dict[str, Any]) -> None:
    mirrored = {"added": "removed", "removed": "added", "changed": "changed"}
    forth, back = property_changes(before, after), property_changes(after, before)
    assert [(path, mirrored[each.kind], each.after, each.before) for path, each in forth] == [
        (path, each.kind, each.before, each.after) for path, each in back
    ]


@given(PROPERTIES, PROPERTIES)
def test_a_path_is_as_pulumi_writes_it_and_each_is_told_once(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = property_changes(before, after)
    assert len({path for path, _ in found}) == len(found)
    for path, change in found:
        if "*" not in path:
            assert parse(change.path) == path


@given(PROPERTIES, PROPERTIES)
def test_json_in_a_text_is_compared_as_deep_as_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    plain = property_changes({"document": before}, {"document": after})
    texts = property_changes({"document": json.dumps(before)}, {"document": json.dumps(after)})
    if before and after:
        assert texts == plain
    assert bool(texts) == (not same(before, after))


def test_equality_is_that_of_json() -> None:
    assert changes({"a": 1}, {"a": True}) == {"a": ("changed", 1, True)}
    assert changes({"a": 1}, {"a": 1.0}) == {}
    assert changes({"a": '{"b": 1}'}, {"a": '{"b":1}'}) == {"a": ("changed", '{"b": 1}', '{"b":1}')}


def test_a_value_that_was_or_becomes_a_secret_is_not_told() -> None:
    assert changes({"a": "plain"}, {"a": SECRET}) == {"a": ("changed", NOT_SECRET, SECRET)}
    assert changes({"a": {"b": SECRET}}, {"a": {"b": {"c": "plain"}}}) == {"a.b": ("changed", SECRET, NOT_SECRET)}
    assert changes({"a": SECRET}, {"a": SECRET}) == {}


def test_a_list_is_compared_by_index() -> None:
    assert changes({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}, 4]}) == {
        "a[1].b": ("changed", 2, 3),
        "a[2]": ("added", None, 4),
    }
    assert list(leaves({"a": [1, {}]})) == [(("a", 0), 1), (("a", 1), {})]


def apply(state: Any, path: tuple[str | int, ...], change: PropertyChange) -> None:
    """Makes one change."""
    inner = state
    for step in path[:-1]:
        inner = inner[step]
    last = path[-1]
    if change.kind == "removed":
        del inner[last]
    elif isinstance(inner, list) and change.kind == "added":
        inner.append(change.after)
    else:
        inner[last] = change.after
