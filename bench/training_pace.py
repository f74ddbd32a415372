"""How many images a second workers compute: alone, beside another, and in step with another; and how many they load.

Run by torchrun or alone, as `python -m bench.training_pace DATA WORK JOB WHAT TURNS SECONDS`: folders of the data set
and of what is written, the job's other fields as JSON, `steps` or `loading`, how often to measure each thing, taking
turns, and for how long at a time. The first worker prints what it measured as JSON, on the last line.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench import training_run

if TYPE_CHECKING:
    from trainyard_training.specification import TrainingSpecification
    from trainyard_training.workers import Workers

How = Literal["one", "together", "apart"]
"""Who trains: the first worker, while the others wait; all of them one model (DDP); or each of them a model of its own,
at the same time. The last is what several processes can do at best, since cores share caches, memory and often
arithmetic units."""
HOWS: tuple[How, ...] = ("one", "together", "apart")

_WARM_UP_STEPS = 5
_STEPS_A_QUESTION = 10


def measure_steps(
    job: "TrainingSpecification", workers: "Workers", *, turns: int, seconds: float
) -> dict[How, list[float]]:
    """Images a second of all that train, in the whole loop: the loader's batches, and a step with each.

    The three take turns in the same processes, so that whatever else the machine does hits all of them alike. Only the
    first worker's numbers count.
    """
    paces: dict[How, list[float]] = {how: [] for how in HOWS}
    for _ in range(turns):
        for how in HOWS:
            paces[how].append(_pace(job, workers, how, seconds))
    return paces


def _pace(job: "TrainingSpecification", workers: "Workers", how: How, seconds: float) -> float:
    from trainyard_training.train import prepare
    from trainyard_training.workers import Workers

    if how == "one" and not workers.is_first:
        # Without this the first one would still be at it when the others begin with what comes next.
        workers.sum([0.0])
        return 0.0
    group = workers if how == "together" else Workers(rank=0, count=1, device=workers.device)
    run = prepare(job, group, saved_by=None)
    share = job.global_batch_size // group.count
    with closing(run), closing(run.batches.iterate(0)) as batches:

        def step() -> None:
            batch = next(batches)
            run.learner.step(batch.inputs, batch.labels)

        for _ in range(_WARM_UP_STEPS):
            step()
        asked = workers if how != "one" else group
        asked.sum([0.0])
        began = time.perf_counter()
        count = 0
        # In step, all of them have to make equally many: the first one's clock decides, some steps at a time.
        while not asked.sum([float(workers.is_first and time.perf_counter() - began > seconds)])[0]:
            for _ in range(_STEPS_A_QUESTION):
                step()
            count += _STEPS_A_QUESTION
        took = time.perf_counter() - began
    workers.sum([0.0])
    return count * share * asked.count / took


def measure_loading(
    job: "TrainingSpecification", workers: "Workers", *, turns: int, seconds: float
) -> dict[str, list[float]]:
    """Images a second that the model takes and that the loader makes ready, each without the other; and, both at once,
    the share of the time for which the model waits. The three take turns."""
    from trainyard_training.train import prepare

    measured: dict[str, list[float]] = {"model": [], "loader": [], "wait_share": []}
    run = prepare(job, workers, saved_by=None)
    batch = run.batches.at(0)
    size = len(batch.labels)
    with closing(run):
        for _ in range(turns):
            model = _calls_a_second(lambda _: run.learner.step(batch.inputs, batch.labels), seconds)
            measured["model"].append(model * size)
            measured["loader"].append(_calls_a_second(run.batches.at, seconds) * size)
            with closing(run.batches.iterate(0)) as batches:
                before = run.batches.waited_seconds
                began = time.perf_counter()
                while time.perf_counter() - began < seconds:
                    taken = next(batches)
                    run.learner.step(taken.inputs, taken.labels)
                share = (run.batches.waited_seconds - before) / (time.perf_counter() - began)
                measured["wait_share"].append(share)
    return measured


def _calls_a_second(call: Callable[[int], object], seconds: float) -> float:
    for number in range(_WARM_UP_STEPS):
        call(number)
    began = time.perf_counter()
    count = 0
    while time.perf_counter() - began < seconds:
        call(count)
        count += 1
    return count / (time.perf_counter() - began)


def main(arguments: list[str]) -> None:
    """See the module."""
    from trainyard_training.workers import join_workers

    data, work, fields, what, turns, seconds = arguments
    measure: Callable[..., Mapping[Any, list[float]]] = measure_steps if what == "steps" else measure_loading
    job = training_run.job_of(Path(data), Path(work), **json.loads(fields))
    with join_workers(job.computation.threads) as workers:
        measured = measure(job, workers, turns=int(turns), seconds=float(seconds))
        if workers.is_first:
            print(json.dumps({name: statistics.median(each) for name, each in measured.items()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    # Threads of gloo outlive the group where DDP has used it, and one that still lets go of a tensor while the
    # interpreter ends aborts the process: https://github.com/pytorch/pytorch/pull/179291. Nothing else is left to do.
    os._exit(0)
