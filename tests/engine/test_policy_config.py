"""Policy configuration: what is read, what wins, and that every mistake is told at once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from engine.policy_config import LEVELS, Policy, PolicyConfigError, PolicySetting, load, parse, reconcile

BUDGET = Policy("budget", "mandatory", properties={"dollars": {"type": "number", "minimum": 0, "default": 5}})
OWNER = Policy("owner", "advisory", properties={"tag": {"type": "string"}}, required=["tag"])
KEYS = Policy("keys", "advisory")


def test_the_file_is_json_and_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("\n")
    assert load(path) == {}
    path.write_text('{"all": "disabled", "budget": {"dollars": [-2, 2.5, 1e2]}}')
    assert load(path) == {"all": "disabled", "budget": {"dollars": [-2, 2.5, 100.0]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory"),
        ("{nope", "not JSON: "),
        ("[]", "expected an object"),
        ("\ufeff{}", "not JSON: Unexpected UTF-8 BOM"),
        ('{"a": "advisory", "b": {}, "a": "disabled"}', "not JSON: a is given twice"),
        ('{"a": {"most": NaN}}', "not JSON: NaN is no number"),
        ('{"a": {"most": 1e999}}', "not JSON: 1e999 is no number"),
        ('{"a": {"most": -1' + "0" * 400 + "}}", "not JSON: -1000"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PolicyConfigError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value)


def test_entries_are_levels_or_objects() -> None:
    assert parse({"keys": "disabled", "budget": {"enforcementLevel": "advisory", "dollars": 2}}) == {
        "keys": PolicySetting("disabled"),
        "budget": PolicySetting("advisory", {"dollars": 2}),
    }


def test_every_malformed_entry_is_told() -> None:
    with pytest.raises(PolicyConfigError) as raised:
        parse({"keys": "strict", "budget": {"enforcementLevel": 3}, "owner": 7, "environments": ["a"]})
    assert str(raised.value).splitlines() == [
        "policy configuration: keys: 'strict' is not an enforcement level; "
        "valid are advisory, mandatory, remediate, disabled",
        "policy configuration: budget: 3 is not an enforcement level; "
        "valid are advisory, mandatory, remediate, disabled",
        "policy configuration: owner: 7 is not valid; expected a level or an object",
        "policy configuration: environments: ['a'] is not valid; expected a level or an object",
    ]


def test_the_users_setting_wins_over_the_packs_which_wins_over_the_policys() -> None:
    initial = {"all": PolicySetting("advisory"), "owner": PolicySetting(None, {"tag": "owner"})}
    given = {"keys": PolicySetting("mandatory"), "owner": PolicySetting(None, {"tag": "team"})}
    assert reconcile([BUDGET, OWNER, KEYS], initial, given) == {
        "budget": PolicySetting("advisory", {"dollars": 5}),
        "owner": PolicySetting("advisory", {"tag": "team"}),
        "keys": PolicySetting("mandatory", {}),
    }


def test_unknown_names_and_wrong_properties_are_all_refused() -> None:
    given = {"kyes": PolicySetting("disabled"), "budget": PolicySetting(None, {"dollars": "many"})}
    with pytest.raises(PolicyConfigError) as raised:
        reconcile([BUDGET, OWNER, KEYS], {}, given)
    assert str(raised.value).splitlines() == [
        "policy configuration: kyes: the policy pack has no such policy; did you mean keys?",
        "policy configuration: budget.dollars: 'many' is not of type 'number'",
        "policy configuration: owner: 'tag' is a required property",
    ]


levels = st.none() | st.sampled_from(LEVELS)


@given(everyone=levels, own=levels)
def test_a_policys_own_level_wins_over_that_of_all(everyone: str | None, own: str | None) -> None:
    settings = reconcile([KEYS], {}, {"all": PolicySetting(everyone), "keys": PolicySetting(own)})
    assert settings["keys"].level == (own or everyone or KEYS.level)


_SCHEMAS = st.recursive(
    st.sampled_from(
        [{"type": "number", "minimum": 1}, {"type": "string"}, {"type": "boolean"}, {"type": "integer"}, {}]
    ),
    lambda inner: st.one_of(
        inner.map(lambda items: {"type": "array", "items": items, "default": []}),
        st.builds(
            lambda properties, required, closed: {
                "type": "object",
                "properties": properties,
                "required": required,
                **({"additionalProperties": False} if closed else {}),
            },
            st.dictionaries(st.sampled_from("ab"), inner),
            st.lists(st.sampled_from("ab"), unique=True),
            st.booleans(),
        ),
    ),
    max_leaves=4,
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=4,
)


@given(_SCHEMAS, _VALUES)
def test_a_property_is_refused_where_its_schema_refuses_it(schema: dict[str, Any], value: Any) -> None:
    policy = Policy("policy", "mandatory", properties={"it": schema})
    wrong = not Draft7Validator(schema).is_valid(value)
    try:
        reconcile([policy], {}, {"policy": PolicySetting(None, {"it": value})})
    except PolicyConfigError:
        assert wrong
    else:
        assert not wrong
