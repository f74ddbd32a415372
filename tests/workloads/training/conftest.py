"""Runs of the training package, in this process or in processes of their own."""

import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import ObjectCloud, job_document
from tests.workloads.training.copies import Copy
from trainyard_artifacts.fetch import Origin
from trainyard_artifacts.specification import load_specification
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.dataset import encode_dataset, write_missing
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures
from trainyard_training.interruption import StopRequest
from trainyard_training.specification import TrainingSpecification

LAUNCH = [sys.executable, "-m", "trainyard_training.launch", "--standalone", "--nproc-per-node=2"]
LAUNCH += ["-m", "trainyard_training"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1"]
TORCHRUN += ["-m", "trainyard_training"]
END_SECONDS = 200


@pytest.fixture(scope="session", autouse=True)
def _end_of_the_fork_server() -> Iterator[None]:
    """End the process that groups of workers are forked from; by itself it ends after pytest looks for leftovers."""
    yield
    multiprocessing.forkserver._forkserver._stop()
    multiprocessing.resource_tracker._resource_tracker._stop()


@pytest.fixture(scope="session")
def dataset_objects() -> dict[str, bytes]:
    """The dataset's objects as the loader writes them."""
    return dict(encode_dataset(read_digits(seed=7), shards=8))


@dataclass(frozen=True)
class TrainingJob:
    """One job with its dataset in place, its objects under a prefix of its own."""

    path: Path
    environment: dict[str, str]

    @property
    def specification(self) -> TrainingSpecification:
        """What the job file says."""
        return load_specification(self.path, TrainingSpecification)

    @property
    def datasets(self) -> ObjectStore:
        """Where the shards are."""
        return ObjectStore(self.specification.datasets_uri)

    @property
    def checkpoints(self) -> list[int]:
        """Steps that have a checkpoint."""
        return [
            int(match[1])
            for name in ObjectStore(self.specification.checkpoints_uri).list()
            if (match := re.match(r"step-(\d+)-[0-9a-f]+/\.metadata\.tink", name))
        ]

    @property
    def published(self) -> tuple[str, ...]:
        """Names of the objects where the model goes."""
        return ObjectStore(self.specification.models_uri).list()

    @property
    def origin(self) -> Origin:
        """What the manifest has to say of where it is from."""
        job = self.specification
        return Origin(job=job.job, run=job.run, key_uri=job.encryption_key_uri)

    def run_here(self, ticks: float = float("inf")) -> ExitStatus:
        """Train alone in this process; the deadline passes after the clock was read ``ticks`` times."""
        # Imported here: it takes seconds, and tests of the other modules do without.
        from trainyard_training.train import train

        reads = iter(range(10**9))
        stop = StopRequest(clock=lambda: float(next(reads)))
        stop.set_deadline(ticks)
        return report_failures(lambda: train(self.specification, stop))

    def start(self, command: list[str]) -> "RunningJob":
        """Start ``command JOB.json`` in a session of its own, as a user does."""
        process = subprocess.Popen(
            [*command, str(self.path)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return RunningJob(process)

    def start_copy(self, command: list[str]) -> "RunningJob":
        """As ``start``, but without the imports; see ``copies``."""
        assert command[0] == sys.executable
        return RunningJob(Copy([*command[1:], str(self.path)], self.environment))


class RunningJob:
    """A process whose output is read line by line."""

    def __init__(self, process: "subprocess.Popen[str] | Copy") -> None:
        self.process = process
        self.output: list[str] = []

    def wait_for(self, beginning: str) -> str:
        """Read up to the line that begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith(beginning):
                return line
        raise AssertionError(f"no line begins with {beginning!r}:\n{''.join(self.output)}")

    def end(self) -> tuple[int, str]:
        """Wait for the end: exit code and all output."""
        assert self.process.stdout is not None
        self.output += self.process.stdout
        return self.process.wait(timeout=END_SECONDS), "".join(self.output)

    def kill_group(self) -> None:
        """Kill the process and all in its group outright, where they still run."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self.process.wait()


@pytest.fixture
def new_job(object_cloud: ObjectCloud, dataset_objects: dict[str, bytes], tmp_path: Path) -> Callable[..., TrainingJob]:
    """Makes a job with the given changes to its specification."""

    def make(**changes: Any) -> TrainingJob:
        return make_job(object_cloud, dataset_objects, tmp_path, **changes)

    return make


def make_job(cloud: ObjectCloud, objects: dict[str, bytes], directory: Path, **changes: Any) -> TrainingJob:
    """A job in ``directory``, whose name is the prefix of its objects; its dataset is in place."""
    prefix = f"{directory.parent.name}-{directory.name}"
    path = directory / "JOB.json"
    path.write_text(job_document(cloud, prefix, **changes))
    write_missing(ObjectStore(f"s3://{cloud.datasets_bucket}/{prefix}"), objects.items())
    # A process that is killed outright leaves its temporary files; here they go with the session's folder. Sockets are
    # among them, whose paths may have some 107 characters: below the test's own folder they would come too close.
    temporary = tempfile.mkdtemp(prefix="t", dir=directory.parent)
    ours = {"OMP_NUM_THREADS": "1", "TMPDIR": temporary, "PYTHONUNBUFFERED": "1"}
    return TrainingJob(path=path, environment={**os.environ, **cloud.environment, **ours})


@pytest.fixture
def start() -> Iterator[Callable[[TrainingJob, list[str]], RunningJob]]:
    """Starts jobs' processes, as copies where they can be, and ends what is left of them."""
    running: list[RunningJob] = []

    def start_one(job: TrainingJob, command: list[str]) -> RunningJob:
        running.append(job.start_copy(command))
        return running[-1]

    yield start_one
    for each in running:
        each.kill_group()
        if each.process.stdout is not None:
            each.process.stdout.close()


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether the condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
