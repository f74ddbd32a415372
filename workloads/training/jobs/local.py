"""Jobs on this machine: a detached process each, which outlives the command that has started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from trainyard_training.specification import TrainingSpecification
from workloads.training.jobs.errors import JobRefusedError
from workloads.training.jobs.metrics import metrics_in
from workloads.training.jobs.platforms import LocalPlatform
from workloads.training.jobs.records import JobFolder, ProcessIdentity, Record
from workloads.training.jobs.states import JobStatus, seconds_between

_PROJECT = Path(__file__).resolve().parents[3]
SUPERVISOR = "workloads.training.jobs.supervisor"
_START_SECONDS = 60


class ThisMachine:
    """Starts and watches jobs' supervisors."""

    def __init__(self, specification: LocalPlatform, supervisor: str = SUPERVISOR) -> None:
        """
        :param supervisor: The module whose ``main`` sees a job through.
        """
        self._specification = specification
        self._supervisor = supervisor

    def request(self, job: TrainingSpecification, name: str) -> Mapping[str, Any]:
        """The command line that the supervisor runs."""
        command = ["python", "-m", "trainyard_training.launch", "--standalone"]
        command += [f"--nproc-per-node={job.resources.processes_per_instance}", "-m", "trainyard_training", "job.json"]
        return {"name": name, "command": command, **self._specification.model_dump(mode="json")}

    def create(self, job: TrainingSpecification, folder: JobFolder) -> str | None:
        """Start the supervisor, which goes on in a session of its own.

        Raises:
            JobRefusedError: it did not take the job over.
        """
        descriptor = os.open(folder.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as output:
            command = [sys.executable, "-m", self._supervisor, str(folder.path.resolve())]
            try:
                done = subprocess.run(
                    command,
                    cwd=_PROJECT,  # Where Python finds the supervisor.
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=_START_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise JobRefusedError(f"the supervisor of job {folder.name} did not start: {error}") from None
        if done.returncode:
            said = folder.output.read_text(errors="replace").strip().splitlines()
            raise JobRefusedError(
                f"the supervisor of job {folder.name} did not start: {said[-1] if said else 'it printed nothing'}"
            )
        return None

    def status(self, folder: JobFolder, record: Record) -> JobStatus:
        """What the record says, unless the process that writes it is gone."""
        status = record.status
        if status.has_ended:
            return status
        being_started = record.process is None and seconds_between(status.created, None) < _START_SECONDS
        if not being_started and not is_alive(record.process):
            # Its last act may lie between the two looks.
            status = folder.read().status
            if not status.has_ended:
                # The launcher notices within a second, and its workers leave a checkpoint.
                state, then = (
                    ("stopping", "") if is_alive(record.launcher) else ("failed", "; submit it again to go on")
                )
                status = status.model_copy(update={"state": state, "reason": f"its supervisor was killed{then}"})
        return status.model_copy(update={"metrics": metrics_in(folder.output)})

    def output(self, folder: JobFolder, record: Record, position: str | None) -> tuple[list[str], str | None]:
        """Whole lines since the byte ``position``."""
        start = int(position or 0)
        try:
            with folder.output.open("rb") as file:
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            return [], position
        whole = data[: data.rfind(b"\n") + 1]
        return whole.decode(errors="replace").splitlines(), str(start + len(whole))

    def stop(self, folder: JobFolder, record: Record) -> None:
        """SIGTERM to the supervisor, which does the rest."""
        if record.process is not None and is_alive(record.process):
            try:
                os.kill(record.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                return


def is_alive(identity: ProcessIdentity | None) -> bool:
    """Whether this very process still runs, and not one that has got its number since."""
    if identity is None:
        return False
    try:
        process = psutil.Process(identity.pid)
        same = abs(process.create_time() - identity.started) < 1e-3
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
