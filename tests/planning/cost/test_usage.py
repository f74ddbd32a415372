"""Assumptions: what a stack's settings and the command line may say, and every mistake at once."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.cost.usage import NAMES, SETTING, Usage
from planning.errors import PlanningError


def test_what_is_left_out_has_its_default() -> None:
    assert Usage.from_config({}) == Usage()
    assert Usage.from_config({SETTING: "{}"}) == Usage()
    assert Usage.from_config({SETTING: '{"nat_gb": 7}'}).nat_gb == 7
    assert Usage.from_config({SETTING: {"nat_gb": "7.5", "run_nodes": "3"}}).as_dict() == (
        Usage().as_dict() | {"nat_gb": 7.5, "run_nodes": 3}
    )


def test_every_mistake_is_told_at_once() -> None:
    config = {
        SETTING: json.dumps(
            {
                "nat_gb": -1,
                "endpoint_gb": math.nan,
                "image_gb": "much",
                "gpu_nodes_busy_share": 1.5,
                "run_nodes": 1.5,
                "key_rotations": -1,
                "queue_requests": True,
                "pools": {"training": 2},
                "colour": "red",
            }
        )
    }
    with pytest.raises(PlanningError) as raised:
        Usage.from_config(config)
    lines = str(raised.value).splitlines()
    assert lines == [
        "trainyard:usage.nat_gb = -1: must be a finite number, 0 or more",
        "trainyard:usage.endpoint_gb = nan: must be a finite number, 0 or more",
        "trainyard:usage.image_gb = 'much': must be a finite number, 0 or more",
        "trainyard:usage.gpu_nodes_busy_share = 1.5: must be a number from 0 to 1",
        "trainyard:usage.run_nodes = 1.5: must be a whole number, 1 or more",
        "trainyard:usage.key_rotations = -1: must be a whole number, 0 or more",
        "trainyard:usage.queue_requests = True: must be a finite number, 0 or more",
        f"trainyard:usage.colour: no such setting; known are {', '.join(NAMES)}",
        "trainyard:usage.pools.training = 2: must be a number from 0 to 1",
    ]


@pytest.mark.parametrize("value", ["[1]", "3", "no JSON {", [1], {"pools": 3}])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(PlanningError, match=r"trainyard:usage.*must be an object"):
        Usage.from_config({SETTING: value})


@pytest.mark.parametrize("field", [name for name in NAMES if name != "pools"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, True])
def test_no_amount_is_infinite_negative_or_a_truth_value(field: str, value: Any) -> None:
    with pytest.raises(PlanningError, match=f"trainyard:usage.{field} = "):
        Usage(**{field: value})


def test_single_assumptions_replace_others_and_keep_the_rest() -> None:
    own = Usage.from_config({SETTING: '{"nat_gb": 7, "pools": {"a": 0.5, "b": 0.25}}'})
    changed = own.replaced({"image_gb": "3", "pools.a": "1"})
    assert (changed.nat_gb, changed.image_gb) == (7, 3)
    assert changed.busy_share("a", has_gpu=True) == (1, "pools.a")
    assert changed.busy_share("b", has_gpu=True) == (0.25, "pools.b")
    assert changed.busy_share("c", has_gpu=True) == (own.gpu_nodes_busy_share, "gpu_nodes_busy_share")
    assert changed.busy_share("c", has_gpu=False) == (own.other_nodes_busy_share, "other_nodes_busy_share")


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.none(), st.text(), st.floats(), st.integers()), min_size=1))
def test_no_unknown_name_is_overlooked(values: dict[str, Any]) -> None:
    unknown = {f"x{name}": value for name, value in values.items()}
    with pytest.raises(PlanningError) as raised:
        Usage.from_config({SETTING: unknown})
    assert str(raised.value).count("no such setting") == len(unknown)


@given(st.sampled_from([name for name in NAMES if name not in ("pools", "run_nodes", "key_rotations")]), st.floats())
def test_an_amount_is_understood_or_refused_by_name(name: str, value: float) -> None:
    most = 1 if name.endswith("_share") else math.inf
    if math.isfinite(value) and 0 <= value <= most:
        assert Usage.from_config({SETTING: {name: value}}).as_dict()[name] == value
    else:
        with pytest.raises(PlanningError, match=f"{SETTING}.{name} = "):
            Usage.from_config({SETTING: {name: value}})
