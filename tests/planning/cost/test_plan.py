"""Reading preview documents: which resources there are before and after, and what is no preview."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.cost.estimate import price_plan
from planning.cost.inputs import UNKNOWN, number_of, text_of, texts_of, truth_of
from planning.cost.plan import key_of, read_plan
from planning.cost.usage import Usage
from planning.errors import PlanningError
from tests.planning.cost.small_plans import cost_of, make_book, node_group, resource, template

EIP = "aws:ec2/eip:Eip"


def _step(op: str, old: str = "", new: str = "") -> dict[str, Any]:
    step: dict[str, Any] = {"op": op, "urn": "urn"}
    step |= {"oldState": resource(EIP, old)} if old else {}
    return step | ({"newState": resource(EIP, new)} if new else {})


def test_each_operation_tells_what_was_there_and_what_will_be() -> None:
    plan = read_plan(
        {
            "steps": [
                _step("create", new="made"),
                _step("same", "kept", "kept"),
                _step("update", "changed", "changed"),
                _step("replace", "replaced", "replaced"),
                _step("delete", "gone"),
                _step("read", "foreign", "foreign"),
            ],
            "changeSummary": {"create": 1, "same": 5},
        }
    )
    assert [each.name for each in plan.before] == ["kept", "changed", "replaced", "gone"]
    assert [each.name for each in plan.after] == ["made", "kept", "changed", "replaced"]
    assert plan.unseen == 4, "unchanged resources that the document does not name"


def test_what_the_document_does_not_show_makes_a_cost_incomplete() -> None:
    cost = price_plan({"steps": [_step("create", new="made")], "changeSummary": {"same": 3}}, make_book(), Usage())
    assert (cost.unseen, cost.complete) == (3, False)


@pytest.mark.parametrize(
    ("document", "said"),
    [({"config": 1}, "its config is no mapping"), ({"steps": [{"op": "create", "urn": "urn"}]}, "step 0 is none of a")],
)
def test_what_only_looks_like_a_preview_is_refused(document: object, said: str) -> None:
    with pytest.raises(PlanningError, match=said):
        read_plan(document)


def test_a_resource_that_does_not_say_what_it_is_is_not_taken_for_a_component() -> None:
    state = resource("aws:rds/instance:Instance", "database")
    del state["custom"]
    cost = price_plan({"steps": [{"op": "create", "urn": state["urn"], "newState": state}]}, make_book(), Usage())
    assert [*cost.unpriced] == ["aws:rds/instance:Instance"]
    assert not cost.complete


def test_a_plan_of_nothing_costs_nothing() -> None:
    cost = price_plan({"config": {}}, make_book())
    assert (cost.usd_per_month, cost.complete, cost.lines) == (0, True, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        "3",
        "null",
        "{}",
        '{"version": 3, "deployment": {}}',
        '{"steps": 3}',
        '{"steps": [3]}',
        '{"steps": [{"op": "create", "newState": {"type": "a"}}]}',
        '{"steps": [{"op": "create", "newState": 3}]}',
    ],
)
def test_what_is_no_preview_is_refused(text: str) -> None:
    with pytest.raises(PlanningError, match=r"^preview document: .*must be the document of `yard preview --json`"):
        read_plan(text)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(_json)
def test_steps_of_any_kind_are_read_or_refused(value: Any) -> None:
    step = {"op": "create", "newState": {"urn": "urn:pulumi:a::b::c::d", "type": "c", "custom": True, "inputs": value}}
    assert len(read_plan(json.dumps({"steps": [step]})).after) == 1
    if not isinstance(value, dict) or not {"op"} <= value.keys():
        with pytest.raises(PlanningError, match=r"^preview document: step 0 is none of a preview"):
            read_plan(json.dumps({"steps": [value]}))


@given(st.sampled_from(["scalingConfig", "instanceTypes", "capacityType", "labels", "launchTemplate"]), _json)
def test_whatever_an_input_is_a_pool_is_priced_or_unknown(name: str, value: Any) -> None:
    cost = cost_of(node_group(**{name: value}), template())
    assert cost.usd_per_month >= 0


def test_a_resource_has_the_same_key_in_every_stack() -> None:
    assert key_of("urn:pulumi:dev::shop::a$b::name") == key_of("urn:pulumi:prod::other::a$b::name") == "a$b::name"


@pytest.mark.parametrize("value", [UNKNOWN, "[secret]", None, "3", True, -1, float("nan"), float("inf"), [3]])
def test_only_a_number_is_a_number(value: Any) -> None:
    assert number_of(value) is None


def test_what_is_unknown_or_secret_is_no_text() -> None:
    assert (text_of(UNKNOWN), text_of("[secret]"), text_of("a"), text_of(3)) == (None, None, "a", None)
    assert (texts_of(["a", UNKNOWN]), texts_of(["a"]), texts_of("a")) == (None, ["a"], None)
    assert (truth_of("true"), truth_of(False), truth_of(UNKNOWN), truth_of(1)) == (True, False, None, None)
