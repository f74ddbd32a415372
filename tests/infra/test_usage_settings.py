"""`trainyard:usage`: the same names, defaults and limits as what costs are calculated with, and nothing else."""

import json
import math
from typing import Any

import pytest

from infra.settings import SettingsError, parse_settings
from infra.usage_settings import UsageSettings
from planning.cost.usage import NAMES, SETTING, Usage
from planning.errors import PlanningError


def test_settings_are_the_assumptions_of_a_cost() -> None:
    assert tuple(UsageSettings.model_fields) == NAMES
    assert UsageSettings().model_dump() == Usage().as_dict()
    assert all(field.description for field in UsageSettings.model_fields.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, 1, 0.5, 2, -1, "much", True, None, {"training": 0.5}, {"training": 2}, [1]])
def test_what_a_stack_may_say_a_cost_can_use(name: str, value: Any) -> None:
    text = json.dumps({name: value})
    try:
        expected = Usage.from_config({SETTING: text}).as_dict()
    except PlanningError:
        with pytest.raises(SettingsError, match=rf"{SETTING}\.{name}"):
            parse_settings({SETTING: text})
    else:
        assert parse_settings({SETTING: text}).usage.model_dump() == expected


def test_every_problem_is_told_in_one_error() -> None:
    wrong = {"nat_gb": -1, "nat_bg": 3, "gpu_nodes_busy_share": 2, "pools": {"training": 1.5}, "run_nodes": 0}
    with pytest.raises(SettingsError) as raised:
        parse_settings({SETTING: json.dumps(wrong)})
    assert str(raised.value).splitlines() == [
        "Stack local has 5 problems in its settings:",
        "  trainyard:usage.gpu_nodes_busy_share = 2: must be a number from 0 up to 1",
        "  trainyard:usage.nat_bg: no such setting; did you mean trainyard:usage.nat_gb?",
        "  trainyard:usage.nat_gb = -1: must be a number from 0 up to 1000000000000",
        "  trainyard:usage.pools.training = 1.5: must be a number from 0 up to 1",
        "  trainyard:usage.run_nodes = 0: must be a whole number from 1 to 10000",
    ]


def test_no_amount_is_infinite() -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(SettingsError, match=r"trainyard:usage\.nat_gb"):
            parse_settings({SETTING: json.dumps({"nat_gb": value})})
