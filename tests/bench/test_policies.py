"""The benchmark of the policy pack: its statistics, its program, and a tiny run of it."""

import sys
from pathlib import Path

import pytest

from bench import policies, policy_resources
from bench.errors import BenchError
from tests.engine.policy_packs import ROOT, policy_python

YARD = [sys.executable, str(ROOT / "scripts" / "yard.py")]
PACK = ROOT / "policies"


def test_what_is_added_is_the_median_of_pairs_in_milliseconds_a_resource() -> None:
    added = policies.Added(100, [(0.50, 0.45), (0.90, 0.30), (0.40, 0.38)])
    assert added.milliseconds_a_resource == pytest.approx(0.5)


def test_noise_adds_as_good_as_nothing() -> None:
    assert policies.Added(100, [(0.40, 0.41)]).milliseconds_a_resource == 0.001


def test_small_previews_are_run_more_often_and_the_slow_loop_seldom() -> None:
    assert [policies.runs_of(size) for size in policies.SIZES] == [9, 5, 3]
    assert [policies.floor_runs_of(size) for size in policies.SIZES] == [3, 1, 1]


def test_a_machine_without_the_packs_environment_says_so(tmp_path: Path) -> None:
    assert policies.missing(tmp_path) == f"there is no {tmp_path}/.venv/bin/python (`make setup` makes it)"


def test_later_resources_refer_to_earlier_ones_of_their_round() -> None:
    states = policy_resources.states(2 * len(policy_resources.ROUND))
    assert len({state.urn for state in states}) == len(states)
    earlier: set[str] = set()
    for state in states:
        assert {urn for urns in state.property_dependencies.values() for urn in urns} <= earlier
        earlier.add(state.urn)


def test_a_preview_of_something_else_is_no_measurement(tmp_path: Path) -> None:
    pretender = [sys.executable, "-c", "print('+ 7 to create')"]
    with pytest.raises(BenchError, match="the preview was expected to say '3 to create', and printed"):
        policies.measure_policies(tmp_path, lambda _: None, yard=pretender, pack=PACK, sizes=(2,))


@pytest.mark.slow
def test_a_tiny_run_gives_every_result(tmp_path: Path) -> None:
    policy_python()
    told: list[str] = []
    results = policies.measure_policies(
        tmp_path, told.append, yard=YARD, pack=PACK, sizes=(2, 20), runs_of=lambda _: 1, calls=3
    )
    assert [each.name for each in results] == [
        "policies/preview/2/added-to-each",
        "policies/preview/20/added-to-each",
        "policies/analyze/each-call",
        "policies/analyze-stack/2/each-resource",
        "policies/analyze-stack/20/each-resource",
    ]
    assert all(each.value > 0 and each.unit == "ms" and each.target and each.compared_with for each in results)
    assert len(told) == policies.steps((2, 20), runs_of=lambda _: 1)
