"""How many images a second one worker computes: alone, beside another, and in step with another; and how many it loads.

Run by torchrun or alone, as `python -m bench.training_pace DATA WORK JOB HOW SECONDS`: folders of the data set and of
what is written, the job's other fields as JSON, `together` or `apart` (see `measure_steps`) or `loading`, and for how
long to measure each thing. The first worker prints what it measured as JSON, on the last line.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bench import training_run

if TYPE_CHECKING:
    from trainyard_training.specification import TrainingSpecification
    from trainyard_training.workers import Workers

_WARM_UP_STEPS = 5


def measure_steps(job: "TrainingSpecification", workers: "Workers", *, together: bool, seconds: float) -> float:
    """Images a second of all workers, in the whole loop: the loader's batches, and a step with each.

    :param together: Whether they train one model (DDP). Otherwise each trains one of its own, at the same time: what
        two processes could do at best, since cores share caches, memory and often arithmetic units.
    """
    from trainyard_training.train import prepare
    from trainyard_training.workers import Workers

    one = workers if together else Workers(rank=0, count=1, device=workers.device)
    run = prepare(job, one, saved_by=None)
    share = job.global_batch_size // one.count
    with closing(run), closing(run.batches.iterate(0)) as batches:

        def step() -> None:
            batch = next(batches)
            run.learner.step(batch.inputs, batch.labels)

        for _ in range(_WARM_UP_STEPS):
            step()
        workers.sum([0.0])
        began = time.perf_counter()
        count = 0
        # In step, all of them have to make equally many: the first one's clock decides, ten steps at a time.
        while not workers.sum([float(workers.is_first and time.perf_counter() - began > seconds)])[0]:
            for _ in range(10):
                step()
            count += 10
        took = time.perf_counter() - began
        return count * share * workers.count / took


def measure_loading(job: "TrainingSpecification", workers: "Workers", *, seconds: float) -> dict[str, float]:
    """Images a second that the loader makes ready and that the model takes, each without the other; and, both at once,
    the share of the time for which the model waits."""
    from trainyard_training.train import prepare

    run = prepare(job, workers, saved_by=None)
    batch = run.batches.at(0)
    size = len(batch.labels)
    with closing(run):
        model = _calls_a_second(lambda _: run.learner.step(batch.inputs, batch.labels), seconds)
        loader = _calls_a_second(run.batches.at, seconds)
        with closing(run.batches.iterate(0)) as batches:
            before = run.batches.waited_seconds
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                taken = next(batches)
                run.learner.step(taken.inputs, taken.labels)
            share = (run.batches.waited_seconds - before) / (time.perf_counter() - began)
    return {"loader": loader * size, "model": model * size, "wait_share": share}


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

    data, work, fields, how, seconds = arguments
    job = training_run.job_of(Path(data), Path(work), **json.loads(fields))
    with join_workers() as workers:
        if how == "loading":
            measured = measure_loading(job, workers, seconds=float(seconds))
        else:
            pace = measure_steps(job, workers, together=how == "together", seconds=float(seconds))
            measured = {"images_a_second": pace}
        if workers.is_first:
            print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
