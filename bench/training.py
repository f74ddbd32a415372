"""The training package beside the plain way to do the same: time to an accuracy, two processes, loading, checkpoints.

- `to-accuracy`: seconds until the package has the test accuracy that PyTorch's CIFAR-10 tutorial loop has after its
  last epoch, beside the seconds of that loop, with the same network on the same data and cores. Both are tested after
  every epoch, in the time that is measured; imports are not. The package's is the median of three runs; the loop takes
  too long to be run more than once. Its batch is 100 images. `batch-4`: beside the loop with the tutorial's own batch,
  until it has that accuracy too. All compute with one thread for a process: on a busy machine of two cores the loop
  took several times as long with PyTorch's own choice of two. Target: a tenth.
- `two-processes/MODEL`: milliseconds for 1,000 images on two data-parallel processes of one thread, beside half of
  those of one process, for the same job. Target: at most a quarter more, an efficiency of 0.8. `apart`: beside two
  processes that train without each other, which share caches and memory as these do.
- `loading`: milliseconds for 1,000 images in the loader, with crops and mirroring, beside those in the model. Target:
  not more than the model takes.
- `checkpoint-stall/MODEL`: milliseconds for which training stands still for a checkpoint, beside those of `torch.save`,
  encryption and the same store in the loop. Target: half.

But for the first, what is compared takes turns within the same processes, and each number is a median, so that what
else the machine does hits all alike.

TRAINYARD_CIFAR10 names the archive of CIFAR-10, TRAINYARD_CIFAR10_SHA256 its checksum where it is a part of it; without
the first the digits, enlarged to the same shape, are trained on. A result's name says which.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from bench import measure
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command
from bench.results import Comparison, Result, Target
from bench.training_data import Data, data_of, write_shards
from bench.training_recipe import PROCESSES, until
from bench.training_run import result_of

NAME = "training"
TURNS = 3
"""How often the package is run to the accuracy, and a pace is measured."""
SECONDS = 2.0
"""For how long a pace is measured each time."""
CHECKPOINTS = 9
"""How many are made of each kind."""
TUTORIAL_BATCH = 100
TUTORIAL_EPOCHS = 60
TUTORIALS_OWN_BATCH = 4
TUTORIALS_OWN_EPOCHS = 20
"""With that batch, at most."""
MODELS: Mapping[str, int] = {"lenet": 128, "resnet": 32}
"""Those that two processes train, each with its global batch."""
STATES: Mapping[str, Mapping[str, Any]] = {
    "resnet": {"name": "resnet"},
    "resnet-width-128": {"name": "resnet", "options": {"width": 128}},
}
"""Models of which checkpoints are made, by the names of the results."""
STEPS = 4 + TURNS + len(MODELS) + len(STATES)
"""How many times `measure_training` tells its progress."""

_SHARDS = 2
_ENDLESS = 10_000
_PROJECT = Path(__file__).resolve().parent.parent
_TO_ACCURACY = Target(of="ratio", at_most=0.1)
_TWO_PROCESSES = Target(of="ratio", at_most=1.25)
_LOADING = Target(of="ratio", at_most=1.0)
_STALL = Target(of="ratio", at_most=0.5)


def measure_training(folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measures in processes of their own.

    Raises BenchError where the archive is another one, where a process fails, or where the package does not get as far
    as the tutorial's loop.
    """
    chosen = data_of(os.environ)
    progress("data")
    source = chosen.source()
    data = folder / "data"
    write_shards(source, data, _SHARDS)
    name = "digits" if chosen.archive is None else f"cifar10-{len(source.train)}"
    runs = _Runs(folder, data)
    results = _to_accuracy(runs, chosen, f"to-accuracy/{name}", progress)
    for model, batch in MODELS.items():
        results += _two_processes(runs, model, batch, progress)
    results.append(_loading(runs, progress))
    results += [_stall(runs, label, model, progress) for label, model in STATES.items()]
    return results


class _Runs:
    """Starts the parts, each in an empty folder."""

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder, self.data = folder, data
        self._started = 0

    def part(self, module: str, fields: Mapping[str, Any], *others: str, processes: int = 1) -> Mapping[str, Any]:
        """What a part prints as JSON that trains the job with these fields. Raises BenchError where it fails."""
        self._started += 1
        work = self._folder / f"work-{self._started}"
        launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
        words = [*(launcher if processes > 1 else []), f"bench.{module}", str(self.data), str(work), json.dumps(fields)]
        return self._run([*words, *others])

    def tutorial(self, data: Data, *, batch: int, epochs: int, accuracy: float = 1.0) -> Mapping[str, Any]:
        """What the tutorial's loop prints. Raises BenchError where it fails."""
        which = json.dumps({"archive": None if data.archive is None else str(data.archive), "sha256": data.sha256})
        return self._run(["bench.training_tutorial", which, str(batch), str(epochs), str(accuracy)])

    def _run(self, words: Sequence[str]) -> Mapping[str, Any]:
        command = Command(
            arguments=[sys.executable, "-m", *words],
            directory=self._folder,
            environment={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(_PROJECT)},
        )
        return result_of(measure.run(command).output)


def _to_accuracy(runs: _Runs, data: Data, name: str, progress: Callable[[str], None]) -> list[Result]:
    progress(f"the tutorial's loop, {TUTORIAL_EPOCHS} epochs")
    tutorial = runs.tutorial(data, batch=TUTORIAL_BATCH, epochs=TUTORIAL_EPOCHS)
    accuracy = tutorial["accuracies"][-1]
    taken: list[float] = []
    for turn in range(1, TURNS + 1):
        progress(f"the package until its test accuracy is {accuracy:.3f}, run {turn} of {TURNS}")
        ours = runs.part("training_recipe", until(accuracy), processes=PROCESSES)
        if ours["accuracies"][-1] < accuracy:
            best = max(ours["accuracies"])
            raise BenchError(
                f"the package reached a test accuracy of {best:.4f} only, the tutorial's loop {accuracy:.4f}"
            )
        taken.append(ours["seconds"])
    progress(f"the tutorial's loop with batches of {TUTORIALS_OWN_BATCH}")
    own = runs.tutorial(data, batch=TUTORIALS_OWN_BATCH, epochs=TUTORIALS_OWN_EPOCHS, accuracy=accuracy)
    seconds = statistics.median(taken)
    results = []
    for suffix, loop, batch in (
        ("", tutorial, TUTORIAL_BATCH),
        (f"/batch-{TUTORIALS_OWN_BATCH}", own, TUTORIALS_OWN_BATCH),
    ):
        # The loop may have had that accuracy before its last epoch already; where it never had, it took longer still.
        epochs = zip(loop["accuracies"], loop["at"], strict=True)
        reached = next((at for found, at in epochs if found >= accuracy), loop["at"][-1])
        compared = Comparison(what=f"the tutorial's loop to {accuracy:.3f}, batches of {batch}", value=reached)
        results.append(_result(f"{name}{suffix}", seconds, "s", compared, _TO_ACCURACY))
    return results


def _two_processes(runs: _Runs, model: str, batch: int, progress: Callable[[str], None]) -> list[Result]:
    progress(f"{model}: one process and two, {TURNS} turns")
    fields = {
        "model": {"name": model},
        "input": {"augmentation": "none"},
        "global_batch_size": batch,
        "epochs": _ENDLESS,
    }
    paces = runs.part("training_pace", fields, "steps", str(TURNS), str(SECONDS), processes=2)
    one, together, apart = (1e6 / paces[how] for how in ("one", "together", "apart"))
    half = Comparison(what="half of one process", value=one / 2)
    alone = Comparison(what="two that do not train together", value=apart)
    return [
        _result(f"two-processes/{model}", together, "ms", half, _TWO_PROCESSES),
        _result(f"two-processes/{model}/apart", together, "ms", alone, None),
    ]


def _loading(runs: _Runs, progress: Callable[[str], None]) -> Result:
    progress(f"loading beside lenet, {TURNS} turns")
    fields = {
        "model": {"name": "lenet"},
        "input": {"augmentation": "crop_flip"},
        "global_batch_size": 128,
        "epochs": _ENDLESS,
    }
    measured = runs.part("training_pace", fields, "loading", str(TURNS), str(SECONDS))
    comparison = Comparison(what="lenet's steps", value=1e6 / measured["model"])
    return _result("loading", 1e6 / measured["loader"], "ms", comparison, _LOADING)


def _stall(runs: _Runs, label: str, model: Mapping[str, Any], progress: Callable[[str], None]) -> Result:
    progress(f"{CHECKPOINTS} checkpoints of {label}")
    fields = {"model": model, "global_batch_size": 8, "epochs": _ENDLESS}
    measured = runs.part("training_checkpoints", fields, str(CHECKPOINTS))
    comparison = Comparison(what="torch.save in the loop", value=measured["synchronous"] * 1e3)
    return _result(f"checkpoint-stall/{label}", measured["asynchronous"] * 1e3, "ms", comparison, _STALL)


def _result(name: str, value: float, unit: Literal["s", "ms"], comparison: Comparison, target: Target | None) -> Result:
    return Result(
        name=f"{NAME}/{name}",
        value=value,
        unit=unit,
        compared_with=comparison,
        target=target,
        machine=describe_machine(),
    )
