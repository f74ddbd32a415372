"""The property-level difference: nothing that changes is left out, nothing that stays is marked, no secret is shown."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine import property_paths, values
from engine.display_difference import changed_keys, difference_lines, property_lines, short_difference
from engine.display_text import Line, clean, clean_line, plain, quote

SECRET = "zq7-sentinel-of-a-secret"

keys = st.sampled_from(["a", "b", "c", "name", "tags", "x.y", "[0]", ""])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text(max_size=6),
    st.sampled_from(["line one\nline two", "line one\nline three\n", '{"a": 1}', '{"a": 2}', "[1]", "[secret]"]),
)
trees = st.recursive(
    leaves, lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3), max_leaves=8
)
properties = st.dictionaries(keys, trees, max_size=4)


def marked(lines: list[Line]) -> list[str]:
    return [text for line in lines if (text := plain(line).lstrip()).startswith(("+ ", "- ", "~ ", "+-"))]


@given(properties)
def test_equal_states_have_no_marks(state: dict[str, Any]) -> None:
    assert marked(difference_lines(state, json.loads(json.dumps(state)), 4)) == [] or has_marks_in_texts(state)
    assert difference_lines(state, state, 4, only_changes=True) == []
    assert changed_keys(state, state, None) == {}


def has_marks_in_texts(state: dict[str, Any]) -> bool:
    """A key may itself look like a mark."""
    return any(clean_line(key).startswith(("+", "-", "~")) for key in state)


@given(properties, properties)
def test_every_changed_property_is_marked(old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = {
        key
        for key in old.keys() | new.keys()
        if json.dumps(old.get(key, "-"), sort_keys=True) != json.dumps(new.get(key, "-"), sort_keys=True)
    }
    changed = {key for key in changed if key not in old or key not in new or not values.same(old[key], new[key])}
    lines = [plain(line) for line in difference_lines(old, new, 4, only_changes=True)]
    top = [line for line in lines if line[2:4] in ("+ ", "- ", "~ ") and len(line) > 4 and line[4] != " "]
    names = {clean_line(key) for key in changed if key}
    assert names <= {name for line in top for name in names if line[4:].startswith(name)}
    assert len(top) >= len([key for key in changed if key])


@given(properties, properties)
def test_every_change_that_the_engine_finds_is_marked(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = property_paths.difference(old, new)
    detailed = {path: {"kind": kind} for path, kind in found.items() if is_path(path)}
    assert len(marked(difference_lines(old, new, 4, detailed))) >= (1 if detailed else 0)
    assert bool(short_difference(changed_keys(old, new, detailed))) == bool(detailed or changed_keys(old, new, None))


def is_path(path: str) -> bool:
    try:
        return bool(property_paths.parse(path))
    except ValueError:
        return False


def with_secrets(tree: Any) -> Any:
    """The tree with a secret beside each of its leaves."""
    match tree:
        case dict():
            return {key: with_secrets(value) for key, value in tree.items()} | {
                "password": values.Secret({"p": [SECRET, tree]})
            }
        case list():
            return [*map(with_secrets, tree), values.Secret(SECRET)]
        case _:
            return [tree, values.Secret(f"{SECRET}{tree}")]


@given(properties, properties)
def test_no_secret_is_shown(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = values.blind(with_secrets(old)), values.blind(with_secrets(new))
    lines = [*difference_lines(before, after, 4), *property_lines(before, 4)]
    assert SECRET not in "\n".join(map(plain, lines))
    assert "[secret]" in "\n".join(map(plain, lines))


def test_a_secret_that_changes_is_marked_where_the_engine_says_so() -> None:
    lines = difference_lines({"p": "[secret]"}, {"p": "[secret]"}, 4, {"p": {"kind": "update"}})
    assert list(map(plain, lines)) == ["  ~ p: [secret] => [secret]"]


def test_a_detailed_difference_may_name_what_no_state_has() -> None:
    lines = difference_lines({"a": [1]}, {"a": [1]}, 4, {"b.c": {"kind": "add"}, "a[99999999]": {"kind": "delete"}})
    assert "  ~ b: [unknown]" in map(plain, lines)
    assert any(plain(line).startswith("  ~ a") for line in lines)


def test_a_boolean_is_not_a_number() -> None:
    assert list(map(plain, difference_lines({"a": True}, {"a": 1}, 4))) == ["  ~ a: true => 1"]


def test_assets_and_references_are_told_in_one_line() -> None:
    asset = {values.SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "path": "./x.py", "hash": "abcdef0123"}
    reference = {values.SIGNATURE: values.RESOURCE_SIGNATURE, "urn": "urn:pulumi:a::b::c::d", "id": "1"}
    lines = property_lines({"code": asset, "of": reference, "unknown": values.UNKNOWN_SENTINEL}, 4)
    assert list(map(plain, lines)) == [
        '    code   : asset(path: "./x.py") sha256:abcdef0',
        '    of     : "urn:pulumi:a::b::c::d"',
        "    unknown: [unknown]",
    ]


def test_a_long_text_is_cut_only_where_it_has_not_changed() -> None:
    old, new = "a" * 5000, "a" * 5000 + "b"
    assert "(5000 characters)" in plain(property_lines({"t": old}, 4)[0])
    assert plain(difference_lines({"t": old}, {"t": new}, 4)[0]).endswith('ab"')


@given(st.text())
def test_text_made_harmless_has_no_control_characters(text: str) -> None:
    for made in (clean(text).replace("\n", ""), clean_line(text), quote(text)):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in made)
