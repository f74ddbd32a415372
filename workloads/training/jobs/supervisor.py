"""The process that sees a job on this machine through, apart from the command that has submitted it.

``python -m workloads.training.jobs.supervisor FOLDER`` returns as soon as a process in a session of its own has taken
the job over. That one starts the launcher, runs it again after an early stop, counts time and cost over all restarts,
asks for a stop at a limit or when it gets SIGTERM, kills what does not stop within its grace, and writes all of it to
the record.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import psutil

from trainyard_artifacts.specification import SpecificationError
from workloads.training.jobs.errors import JobError
from workloads.training.jobs.limits import limit_of
from workloads.training.jobs.metrics import metrics_in
from workloads.training.jobs.platforms import LocalPlatform
from workloads.training.jobs.records import JOB_FILE, JobFolder, ProcessIdentity, Record
from workloads.training.jobs.supervision import Ending, judge

LAUNCHER = "workloads.training.jobs.guarded_launch"
_LOOK_SECONDS = 0.1
_RECORD_SECONDS = 5.0


class Supervisor:
    """Sees one job through."""

    def __init__(self, folder: JobFolder, launcher: str = LAUNCHER) -> None:
        """
        :param launcher: The module that is run with this process's number and the launcher's arguments.
        """
        self._folder = folder
        self._launcher = launcher
        self._job = folder.job()
        platform = folder.platform()
        assert isinstance(platform, LocalPlatform)
        self._platform = platform
        self._record = folder.read()
        self._limit = limit_of(self._job)
        self._signal: signal.Signals | None = None
        self._seconds_before = 0.0
        self._descendants: list[psutil.Process] = []

    def take_over(self) -> None:
        """Say in the record which process this is, and take stop requests from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        this = ProcessIdentity(pid=os.getpid(), started=psutil.Process().create_time())
        self._write(process=this, state="starting", started=datetime.now(UTC))

    def run(self) -> None:
        """Run the job to its end."""
        while True:
            ending = self._run_once()
            verdict = judge(ending)
            if verdict.state is not None:
                break
            self._say(verdict.reason)
            self._write(restarts=self._record.restarts + 1, state="starting", reason=verdict.reason)
        self._write(
            state=verdict.state,
            reason=verdict.reason,
            ended=datetime.now(UTC),
            exit_code=ending.exit_code,
            seconds=self._seconds_before,
            metrics=metrics_in(self._folder.output),
        )

    def _run_once(self) -> Ending:
        began = time.monotonic()
        launcher = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, start_new_session=True)
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(launcher.pid).create_time()
            self._write(launcher=ProcessIdentity(pid=launcher.pid, started=started), state="running", reason="")
        stop_reason: str | None = None
        kill_at = last_written = began
        killed = False
        while launcher.poll() is None:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            if stop_reason is None and (stop_reason := self._reason_to_stop(now - began)) is not None:
                self._write(state="stopping", reason=stop_reason)
                launcher.terminate()
                kill_at = now + self._platform.grace_seconds
            elif stop_reason is not None and now >= kill_at and not killed:
                self._descendants = _descendants(launcher.pid)
                with suppress(ProcessLookupError):
                    os.killpg(launcher.pid, signal.SIGKILL)
                killed = True
            if now - last_written >= _RECORD_SECONDS:
                last_written = now
                self._descendants = _descendants(launcher.pid)
                self._write(seconds=self._seconds_before + now - began)
        if launcher.returncode < 0:
            # Workers are in sessions of their own; they would notice, but only after their step.
            _kill(self._descendants)
        self._seconds_before += time.monotonic() - began
        return Ending(
            exit_code=launcher.returncode,
            stop_reason=stop_reason,
            limit_reached=self._limit.reason if self._seconds_before >= self._limit.seconds else None,
            restarts=self._record.restarts,
            most_restarts=self._platform.restarts,
            killed=killed,
        )

    def _reason_to_stop(self, seconds: float) -> str | None:
        if self._signal is not None:
            return "stopped on request"
        if self._seconds_before + seconds >= self._limit.seconds:
            return self._limit.reason
        return None

    def _command(self) -> list[str]:
        processes = self._job.resources.processes_per_instance
        return [
            *(sys.executable, "-m", self._launcher, str(os.getpid())),
            *("--standalone", f"--nproc-per-node={processes}", "-m", "trainyard_training"),
            str(self._folder.path / JOB_FILE),
        ]

    def _write(self, **changes: object) -> None:
        own = {name: value for name, value in changes.items() if name in Record.model_fields}
        status = {name: value for name, value in changes.items() if name not in own}
        own["status"] = self._record.status.model_copy(update=status)
        self._record = self._record.model_copy(update=own)
        self._folder.write(self._record)

    def _say(self, line: str) -> None:
        print(f"supervisor: {line}", flush=True)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = self._signal or signal.Signals(number)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        # psutil knows the time at which it has started, and so kills no other one of the same number.
        with suppress(psutil.NoSuchProcess):
            process.kill()


def main(arguments: list[str], launcher: str = LAUNCHER) -> int:
    """Hands the job over to a process in a session of its own; returns 0 as soon as that one has it."""
    try:
        supervisor = Supervisor(JobFolder(Path(arguments[0])), launcher)
    except (JobError, SpecificationError) as error:
        print(f"supervisor: {error}", flush=True)
        return 2
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        taken = os.read(reading, 1)
        return 0 if taken else 1
    os.close(reading)
    os.setsid()
    supervisor.take_over()
    os.write(writing, b".")
    os.close(writing)
    supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
