"""What each worker process does. Slow imports come after everything that can be refused without them."""

import sys
from pathlib import Path

from trainyard_artifacts.specification import load_specification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures, speaks_for_the_group
from trainyard_training.interruption import StopRequest
from trainyard_training.publish import published_manifest
from trainyard_training.specification import TrainingSpecification


def main(arguments: list[str]) -> ExitStatus:
    """Train what the specification asks for, unless that has been done."""
    stop = StopRequest()
    stop.watch_signals()
    if len(arguments) != 1:
        print("usage: torchrun --standalone --nproc-per-node=2 -m trainyard_training JOB.json", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    job = load_specification(Path(arguments[0]), TrainingSpecification)
    if is_published(job):
        return ExitStatus.DONE
    stop.set_deadline(job.max_runtime_seconds)

    from trainyard_training.train import train

    return train(job, stop)


def main_as_function(*arguments: str) -> None:
    """``main`` for a launcher that calls a function in a process of its own; success returns, anything else exits."""
    status = report_failures(lambda: main(list(arguments)))
    if status is not ExitStatus.DONE:
        sys.exit(status)


def is_published(job: TrainingSpecification) -> bool:
    """Whether an earlier process has finished this run; the first worker says so.

    Raises:
        StorageError: the store does not answer.
    """
    manifest = published_manifest(job)
    if manifest is None:
        return False
    if speaks_for_the_group():
        print(f"run {job.job}/{job.run} was published {manifest.created:%Y-%m-%d %H:%M:%S} UTC: nothing to do")
    return True
