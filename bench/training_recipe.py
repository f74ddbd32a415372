"""The package's way to an accuracy: the same network as the tutorial's, trained by the package's own loop.

Run by torchrun or alone, as `python -m bench.training_recipe DATA WORK FIELDS`: folders of the data set and of what is
written, and the job's other fields as JSON. The first worker prints what it measured as JSON, on the last line.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench import training_run

RECIPE: dict[str, Any] = {
    "model": {"name": "lenet"},
    "epochs": 8,
    "global_batch_size": 64,
    "learning_rate": 0.003,
    "input": {"augmentation": "none"},
}
"""What the job says, but for where to stop. Chosen by trying some on the part of CIFAR-10 that `training` tells of."""


def until(accuracy: float, recipe: dict[str, Any] = RECIPE) -> dict[str, Any]:
    """The job's fields that stop the recipe at the end of the first epoch with this test accuracy."""
    return {**recipe, "stop_when": {"metric": "test_accuracy", "reaches": accuracy}}


def train(data: Path, work: Path, fields: dict[str, Any]) -> dict[str, Any]:
    """Trains until the criterion or the last step; returns seconds, and per epoch the test accuracy and when it was.

    The clock starts when everything is imported, and before the workers find each other, the network is made and any
    data is read; it stops when the last checkpoint is stored.
    """
    # What the optimiser imports when it is first used; by its name, so that nobody takes it for unused.
    importlib.import_module("torch._dynamo")

    from trainyard_training.interruption import StopRequest
    from trainyard_training.train import make_steps, resume
    from trainyard_training.workers import join_workers

    job = training_run.job_of(data, work, **fields)
    began = time.perf_counter()
    with join_workers(job.computation.threads) as workers, training_run.opened(job, workers) as run:
        make_steps(run, resume(run), StopRequest())
        seconds = time.perf_counter() - began
        epochs = [entry for entry in run.log if "test_accuracy" in entry]
        return {
            "first": workers.is_first,
            "seconds": seconds,
            "accuracies": [entry["test_accuracy"] for entry in epochs],
            "at": [entry["elapsed_seconds"] for entry in epochs],
        }


def main(arguments: list[str]) -> None:
    """See the module."""
    data, work, fields = arguments
    measured = train(Path(data), Path(work), json.loads(fields))
    if measured.pop("first"):
        print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
