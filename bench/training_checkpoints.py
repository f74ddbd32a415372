"""For how long training stands still for a checkpoint, beside storing the same state at once.

Run as `python -m bench.training_checkpoints DATA WORK JOB TURNS`: folders of the data set and of what is written, the
job's other fields as JSON, and how many checkpoints to make of each kind. Prints what it measured as JSON, on the last
line: the medians.
"""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import training_run
from bench.envelopes import envelope_in_memory

if TYPE_CHECKING:
    from trainyard_training.specification import TrainingSpecification
    from trainyard_training.workers import Workers


def measure_stalls(job: "TrainingSpecification", workers: "Workers", turns: int) -> dict[str, Any]:
    """Seconds that a step loop stands still: `asynchronous`, as the package saves, and `synchronous`: `torch.save` of
    the same tensors into memory, encrypted as one message and put into the same store. Both take turns.

    `stored` is the time until the asynchronous one is stored when training does not go on, and `mib` the state's size.
    """
    import torch

    from trainyard_artifacts.storage import ObjectStore
    from trainyard_training.checkpoints import RunState

    envelope = envelope_in_memory()
    store = ObjectStore(job.checkpoints_uri)
    times: dict[str, list[float]] = {"asynchronous": [], "stored": [], "synchronous": []}
    size = 0
    with training_run.opened(job, workers) as run:
        learner = run.learner
        assert run.checkpoints is not None
        batch = run.batches.at(0)
        # A step first, so that the optimiser has its state.
        learner.step(batch.inputs, batch.labels)

        def save_at_once() -> None:
            nonlocal size
            written = io.BytesIO()
            torch.save(learner.tensors(), written)
            message = written.getvalue()
            size = len(message)
            store.put("at-once.tink", envelope.encrypt(message, b"bench/bench/at-once"))

        for turn in range(turns + 1):
            state = RunState(step=turn + 1, made_of=run.made_of, log=(), seconds=0.0)

            def save(state: RunState = state) -> None:
                assert run.checkpoints is not None
                run.checkpoints.save(learner.tensors(), state)

            stall = _seconds(save)
            rest = _seconds(run.checkpoints.wait)
            at_once = _seconds(save_at_once)
            # What is done once, such as starting threads, belongs to no checkpoint.
            if turn:
                times["asynchronous"].append(stall)
                times["stored"].append(stall + rest)
                times["synchronous"].append(at_once)
    return {**{name: statistics.median(each) for name, each in times.items()}, "mib": size / 2**20}


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main(arguments: list[str]) -> None:
    """See the module."""
    from trainyard_training.workers import join_workers

    data, work, fields, turns = arguments
    job = training_run.job_of(Path(data), Path(work), **json.loads(fields))
    with join_workers() as workers:
        print(json.dumps(measure_stalls(job, workers, int(turns))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
