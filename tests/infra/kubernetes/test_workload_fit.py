"""Stacks whose workloads could never run are refused by their settings, before anything is made."""

import copy
from typing import Any

import pytest

from infra.settings import SettingsError
from tests.infra.stack_files import parse, stack_file


def problem_of(changes: dict[str, dict[str, Any]], stack: str = "dev") -> str:
    config = copy.deepcopy(stack_file(stack))
    for group, values in changes.items():
        config.setdefault(f"trainyard:{group}", {}).update(values)
    with pytest.raises(SettingsError) as caught:
        parse(config, stack)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"training": {"pods": {"gpus": 8}}}, "training.pods.gpus = 8: no pool can ever give that; the most is 1 GPUs"),
        ({"training": {"pods": {"nodes": 8}}}, "training.pods.nodes = 8: no pool can ever give that; the most is 4"),
        ({"training": {"pods": {"cpus": 4}}}, "training.pods.cpus = 4: no pool can ever give that; the most is 3.57"),
        ({"training": {"pods": {"capacity": "reserved"}}}, "capacity = reserved: no pool with GPUs is bought so"),
        (
            {"serving": {"pods": {"gpus": 1, "gpu_memory_gib": 80, "capacity": "spot"}}},
            "serving.pods.gpu_memory_gib = 80: no pool can ever give that; the most is 16 GiB of memory a GPU",
        ),
        ({"serving": {"front_image": ""}}, "serving.front_image: must be what asks clients who they are, Envoy"),
        (
            {"serving": {"pods": {"mig_profile": "1g.5gb", "capacity": "spot"}}},
            "mig_profile = 1g.5gb: needs trainyard:kubernetes.addons.device_plugin.mig_strategy = mixed",
        ),
        (
            {"kubernetes": {"teams": {"trainyard": {"gpus": 1}}}, "training": {"pods": {"nodes": 2}}},
            "kubernetes.teams.trainyard.gpus = 1: the stack's own job and service ask for 2 GPUs at once",
        ),
        (
            {"kubernetes": {"addons": {"monitoring": {"enabled": False}}}},
            "needs the add-on monitoring",
        ),
    ],
)
def test_what_can_never_run_is_refused(changes: dict[str, dict[str, Any]], says: str) -> None:
    assert says in problem_of(changes)


def test_gpus_that_are_shared_are_taken_one_by_one() -> None:
    shared = {"addons": {"device_plugin": {"time_slices": 4}}}
    said = problem_of({"kubernetes": shared}, "prod")
    assert "training.pods.gpus = 4: must be 1 where GPUs are shared" in said


def test_all_of_it_is_told_at_once() -> None:
    said = problem_of({"training": {"pods": {"gpus": 8}}, "serving": {"front_image": ""}})
    assert said.startswith("Stack dev has 2 problems in its settings:")


def test_a_platform_alone_needs_no_pool_for_workloads() -> None:
    config = copy.deepcopy(stack_file("dev"))
    config["trainyard:training"] = {"enabled": False, "pods": {"gpus": 8}}
    config["trainyard:serving"] = {}
    assert parse(config).training.enabled is False
