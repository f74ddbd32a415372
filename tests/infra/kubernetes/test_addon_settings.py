"""The settings of the add-ons: combinations that could never work are refused, each with what would be valid."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.kubernetes.addon_settings import AddonSettings

REFUSED: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "slices of slices": (
        {"device_plugin": {"time_slices": 4, "mig_strategy": "single"}},
        [("device_plugin.mig_strategy", "must be none where time_slices (4) is more than 1")],
    ),
    "shared by nobody": (
        {"device_plugin": {"enabled": False, "time_slices": 2, "mig_strategy": "mixed"}},
        [
            ("device_plugin.time_slices", "must be 1 where enabled is false"),
            ("device_plugin.mig_strategy", "must be none where enabled is false"),
        ],
    ),
    "drained by nobody": (
        {"termination_handler": {"enabled": False, "rebalance": "drain"}},
        [("termination_handler.rebalance", "must be ignore where enabled is false")],
    ),
    "woken by nobody": (
        {"monitoring": {"enabled": False}, "scale_to_zero": {"enabled": True}},
        [("scale_to_zero.enabled", "must be false where monitoring.enabled is")],
    ),
    "gives up before its nodes can come": ({"queue": {"ready_minutes": 15}}, [("queue.ready_minutes", "20")]),
    "together": (
        {"node_autoscaler": "hpa", "gpu_metrics": {"enabled": "maybe"}, "monitoring": {"retention_days": 0}},
        [("node_autoscaler", "karpenter"), ("gpu_metrics.enabled", "boolean"), ("monitoring.retention_days", "1")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_never_work_is_refused(case: str) -> None:
    settings, expected = REFUSED[case]
    with pytest.raises(ValidationError) as raised:
        AddonSettings.model_validate(settings)
    found = []
    for error in raised.value.errors():
        where = [*error["loc"], *filter(None, [error.get("ctx", {}).get("field")])]
        found.append((".".join(map(str, where)), error["msg"]))
    assert [where for where, _ in found] == [where for where, _ in expected]
    for (_, said), (_, part) in zip(found, expected, strict=True):
        assert part in said


def test_what_is_shared_or_sliced_alone_is_taken() -> None:
    assert AddonSettings.model_validate({"device_plugin": {"time_slices": 64}}).device_plugin.time_slices == 64
    assert AddonSettings.model_validate({"device_plugin": {"mig_strategy": "single"}}).device_plugin.time_slices == 1


def test_the_handler_gives_way_to_karpenter_without_being_turned_off() -> None:
    assert AddonSettings().handles_termination
    assert not AddonSettings(node_autoscaler="karpenter").handles_termination
