"""The training package beside the plain way to do the same: time to an accuracy, two processes, loading, checkpoints.

- `to-accuracy`: seconds until the package has the test accuracy that PyTorch's CIFAR-10 tutorial loop has after its
  last epoch, beside the seconds of that loop, with the same network on the same data and cores. Both are tested after
  every epoch, in the time that is measured; imports are not. Target: a tenth.
- `two-processes/MODEL`: milliseconds for 1,000 images on two data-parallel processes of one thread, beside half of
  those of one process. Target: at most a quarter more, an efficiency of 0.8. `apart`: beside two processes that train
  without each other, which share caches and memory as these do.
- `loading`: milliseconds for 1,000 images in the loader, with crops and mirroring, beside those in the model. Target:
  not more than the model takes.
- `checkpoint-stall/MODEL`: milliseconds for which training stands still for a checkpoint, beside those of `torch.save`,
  encryption and the same store in the loop. Target: half.

TRAINYARD_CIFAR10 names the archive of CIFAR-10, TRAINYARD_CIFAR10_SHA256 its checksum where it is a part of it; without
the first the digits, enlarged to the same shape, are trained on. A result's name says which.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from bench import measure
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command
from bench.results import Comparison, Result, Target
from bench.training_data import Data, data_of, write_shards
from bench.training_recipe import until
from bench.training_run import result_of

NAME = "training"
STEPS = 14
TUTORIAL_EPOCHS = 60
SECONDS = 4.0
"""For how long a pace is measured."""

_SHARDS = 8
_ENDLESS = 10_000
_PROJECT = Path(__file__).resolve().parent.parent
_TO_ACCURACY = Target(of="ratio", at_most=0.1)
_TWO_PROCESSES = Target(of="ratio", at_most=1.25)
_LOADING = Target(of="ratio", at_most=1.0)
_STALL = Target(of="ratio", at_most=0.5)
_LARGER = {"name": "resnet", "options": {"width": 128}}


def measure_training(folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measures in processes of their own. Raises BenchError where the archive is another one, or a process fails."""
    chosen = data_of(os.environ)
    progress("data")
    source = chosen.source()
    data = folder / "data"
    write_shards(source, data, _SHARDS)
    name = "digits" if chosen.archive is None else f"cifar10-{len(source.train)}"
    runs = _Runs(folder, data)
    results = [_to_accuracy(runs, chosen, f"to-accuracy/{name}", progress)]
    for model in ("lenet", "resnet"):
        results += _two_processes(runs, model, progress)
    results.append(_loading(runs, progress))
    results += [
        _stall(runs, label, model, progress)
        for label, model in (("resnet", {"name": "resnet"}), ("resnet-width-128", _LARGER))
    ]
    return results


class _Runs:
    """Starts the parts, each in an empty folder."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self.data = folder, data
        self._started = 0

    def run(self, module: str, *arguments: str, processes: int = 1) -> Mapping[str, Any]:
        """What a part prints as JSON. Raises BenchError where it fails."""
        python = [sys.executable, "-m"]
        if processes > 1:
            python += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(_PROJECT)}
        command = Command(
            arguments=[*python, f"bench.{module}", *arguments], directory=self._folder, environment=environment
        )
        return result_of(measure.run(command).output)

    def work(self) -> str:
        """A new folder's name."""
        self._started += 1
        return str(self._folder / f"work-{self._started}")


def _to_accuracy(runs: _Runs, data: Data, name: str, progress: Callable[[str], None]) -> Result:
    progress(f"the tutorial's loop, {TUTORIAL_EPOCHS} epochs")
    which = json.dumps({"archive": None if data.archive is None else str(data.archive), "sha256": data.sha256})
    tutorial = runs.run("training_tutorial", which, str(TUTORIAL_EPOCHS))
    accuracy = tutorial["accuracies"][-1]
    progress(f"the package until its test accuracy is {accuracy:.3f}")
    ours = runs.run("training_recipe", str(runs.data), runs.work(), json.dumps(until(accuracy)), processes=2)
    if ours["accuracies"][-1] < accuracy:
        best = max(ours["accuracies"])
        raise BenchError(f"the package reached a test accuracy of {best:.4f} only, the tutorial's loop {accuracy:.4f}")
    # The loop may have had that accuracy before its last epoch already.
    reached = next(at for found, at in zip(tutorial["accuracies"], tutorial["at"], strict=True) if found >= accuracy)
    comparison = Comparison(what=f"the tutorial's loop to {accuracy:.3f}", value=reached)
    return _result(name, ours["seconds"], "s", comparison, _TO_ACCURACY)


def _two_processes(runs: _Runs, model: str, progress: Callable[[str], None]) -> list[Result]:
    fields = json.dumps(
        {"model": {"name": model}, "input": {"augmentation": "none"}, "global_batch_size": 128, "epochs": _ENDLESS}
    )
    paces: dict[str, float] = {}
    for name, how, processes in (("two", "together", 2), ("two apart", "apart", 2), ("one", "together", 1)):
        progress(f"{model}, processes: {name}")
        words = (str(runs.data), runs.work(), fields, how, str(SECONDS))
        measured = runs.run("training_pace", *words, processes=processes)
        paces[name] = 1e6 / measured["images_a_second"]
    half = Comparison(what="half of one process", value=paces["one"] / 2)
    apart = Comparison(what="two that do not train together", value=paces["two apart"])
    return [
        _result(f"two-processes/{model}", paces["two"], "ms", half, _TWO_PROCESSES),
        _result(f"two-processes/{model}/apart", paces["two"], "ms", apart, None),
    ]


def _loading(runs: _Runs, progress: Callable[[str], None]) -> Result:
    progress("loading beside lenet")
    fields = json.dumps(
        {
            "model": {"name": "lenet"},
            "input": {"augmentation": "crop_flip"},
            "global_batch_size": 128,
            "epochs": _ENDLESS,
        }
    )
    measured = runs.run("training_pace", str(runs.data), runs.work(), fields, "loading", str(SECONDS))
    comparison = Comparison(what="lenet's steps", value=1e6 / measured["model"])
    return _result("loading", 1e6 / measured["loader"], "ms", comparison, _LOADING)


def _stall(runs: _Runs, label: str, model: Mapping[str, Any], progress: Callable[[str], None]) -> Result:
    stalls: dict[str, list[float]] = {"asynchronous": [], "synchronous": []}
    for turn in (1, 2):
        progress(f"checkpoints of {label}, turn {turn} of 2")
        fields = json.dumps({"model": model, "global_batch_size": 8, "epochs": _ENDLESS})
        measured = runs.run("training_checkpoints", str(runs.data), runs.work(), fields, "5")
        for how, seconds in stalls.items():
            seconds.append(measured[how] * 1_000)
    comparison = Comparison(what="torch.save in the loop", value=statistics.median(stalls["synchronous"]))
    return _result(f"checkpoint-stall/{label}", statistics.median(stalls["asynchronous"]), "ms", comparison, _STALL)


def _result(name: str, value: float, unit: Literal["s", "ms"], comparison: Comparison, target: Target | None) -> Result:
    return Result(
        name=f"{NAME}/{name}",
        value=value,
        unit=unit,
        compared_with=comparison,
        target=target,
        machine=describe_machine(),
    )
