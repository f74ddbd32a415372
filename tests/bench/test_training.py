"""The training benchmark: what it starts, what it makes of what it is told, and when it refuses to."""

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench import measure, training
from bench.errors import BenchError
from bench.measure import Command, Run
from bench.results import Result
from bench.training_data import ARCHIVE_VARIABLE, SHA256_VARIABLE
from bench.training_recipe import RECIPE
from bench.training_run import job_of

pytestmark = pytest.mark.xdist_group("training benchmark")

SLOW = {"accuracies": [0.1, 0.31, 0.3], "at": [10.0, 20.0, 30.0]}
SMALL_BATCH = {"accuracies": [0.2, 0.3], "at": [4.0, 8.0]}
PACES = {"one": 1_000.0, "together": 1_600.0, "apart": 1_800.0}
LOADING = {"model": 4_000.0, "loader": 20_000.0, "wait_share": 0.01}
CHECKPOINTS = {"asynchronous": 0.002, "stored": 0.02, "synchronous": 0.008, "mib": 8.0}


class Parts:
    """Stands in for `measure.run`: keeps the commands, and answers for the processes."""

    def __init__(self, recipes: list[Mapping[str, Any]], small_batch: Mapping[str, Any] = SMALL_BATCH) -> None:
        self.commands: list[Command] = []
        self._answers: dict[str, list[Mapping[str, Any]]] = {
            "training_tutorial": [SLOW, small_batch],
            "training_recipe": recipes,
            "training_pace": [PACES, PACES, LOADING],
            "training_checkpoints": [CHECKPOINTS, CHECKPOINTS],
        }

    def __call__(self, command: Command) -> Run:
        self.commands.append(command)
        answer = json.dumps(self._answers[module_of(command)].pop(0))
        return Run(output=f"run bench/bench: 10 steps\n{answer}\n", seconds=1.0, cpu_seconds=1.0)


def module_of(command: Command) -> str:
    """The part that a command runs, without its package."""
    return next(word for word in command.arguments if word.startswith("bench.")).removeprefix("bench.")


def words_of(command: Command) -> list[str]:
    """What a command hands to its part."""
    words = list(command.arguments)
    return words[words.index(f"bench.{module_of(command)}") + 1 :]


def took(seconds: float, accuracy: float = 0.3) -> dict[str, Any]:
    """What a run of the recipe prints."""
    return {"seconds": seconds, "accuracies": [0.2, accuracy], "at": [seconds / 2, seconds]}


@pytest.fixture(autouse=True)
def _digits(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (ARCHIVE_VARIABLE, SHA256_VARIABLE, "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)


def started(monkeypatch: pytest.MonkeyPatch, folder: Path, parts: Parts, told: list[str] | None = None) -> list[Result]:
    monkeypatch.setattr(measure, "run", parts)
    return training.measure_training(folder, (told if told is not None else []).append)


def test_results_are_medians_beside_what_they_are_compared_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []
    parts = Parts([took(3.0), took(9.0), took(2.5)])
    results = {each.name: each for each in started(monkeypatch, tmp_path, parts, told)}
    shown = {
        name: (each.value, each.unit, each.compared_with.value if each.compared_with else None, each.met)
        for name, each in results.items()
    }
    # The loop had its last accuracy, 0.3, in its second epoch already.
    assert shown == {
        "training/to-accuracy/digits": (3.0, "s", 20.0, False),
        "training/to-accuracy/digits/batch-4": (3.0, "s", 8.0, False),
        "training/two-processes/lenet": (625.0, "ms", 500.0, True),
        "training/two-processes/lenet/apart": (625.0, "ms", pytest.approx(1e6 / 1_800), None),
        "training/two-processes/resnet": (625.0, "ms", 500.0, True),
        "training/two-processes/resnet/apart": (625.0, "ms", pytest.approx(1e6 / 1_800), None),
        "training/loading": (50.0, "ms", 250.0, True),
        "training/checkpoint-stall/resnet": (2.0, "ms", 8.0, True),
        "training/checkpoint-stall/resnet-width-128": (2.0, "ms", 8.0, True),
    }
    assert len(told) == training.STEPS


def test_a_package_that_falls_short_is_an_error_and_no_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        started(monkeypatch, tmp_path, Parts([took(3.0), took(3.0, accuracy=0.29)]))
    assert str(caught.value) == "the package reached a test accuracy of 0.2900 only, the tutorial's loop 0.3000"


def test_a_loop_that_never_gets_there_counts_with_all_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    never = {"accuracies": [0.2, 0.25], "at": [40.0, 80.0]}
    results = started(monkeypatch, tmp_path, Parts([took(4.0)] * 3, small_batch=never))
    assert [round(each.ratio or 0, 3) for each in results[:2]] == [0.2, 0.05]


def test_every_part_is_started_with_what_it_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = Parts([took(1.0)] * 3)
    started(monkeypatch, tmp_path, parts)
    modules = [module_of(command) for command in parts.commands]
    assert modules == (
        ["training_tutorial", *["training_recipe"] * 3, "training_tutorial"]
        + ["training_pace"] * 3
        + ["training_checkpoints"] * 2
    )
    assert all(find_spec(f"bench.{module}") for module in modules)
    assert [(words[0], "torch.distributed.run" in words) for words in (each.arguments for each in parts.commands)] == [
        (sys.executable, paces) for paces in [False] * 5 + [True, True] + [False] * 3
    ]
    assert {each.environment["OMP_NUM_THREADS"] for each in parts.commands} == {"1"}
    others = []
    works = set()
    for command in parts.commands:
        assert Path(command.environment["PYTHONPATH"], "bench", f"{module_of(command)}.py").is_file()
        if module_of(command) == "training_tutorial":
            others.append(words_of(command)[1:])
            assert json.loads(words_of(command)[0]) == {"archive": None, "sha256": None}
            continue
        data, work, fields, *rest = words_of(command)
        assert (Path(data) / "index.json").is_file()
        job_of(Path(data), Path(work), **json.loads(fields))
        works.add(work)
        others.append(rest)
    assert others == [
        ["100", "60", "1.0"],
        *[[]] * 3,
        ["4", "20", "0.3"],
        *[["steps", "3", "2.0"]] * 2,
        ["loading", "3", "2.0"],
        *[["9"]] * 2,
    ]
    assert len(works) == len(parts.commands) - 2
    recipe = json.loads(words_of(parts.commands[1])[2])
    assert recipe == {**RECIPE, "stop_when": {"metric": "test_accuracy", "reaches": 0.3}}
