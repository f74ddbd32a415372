"""The parent of one process: `python -m infra.local.supervisor FOLDER ATTEMPT`.

It outlives whoever started it, so that a deployment that is killed half-way loses nothing: it records the process,
ends it at its deadline (SIGTERM, grace, SIGKILL), and records how it ended. It hands its own environment to the
process.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infra.local import records

NOT_MINE = 3
"""Exit code of a supervisor that was started too late: another one has the folder."""


def main(folder: Path, attempt: str) -> int:
    """Runs the folder's specification to its end."""
    lock = (folder / records.LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return NOT_MINE
    specification = records.read_record(folder / records.SPECIFICATION)
    if specification is None or specification["attempt"] != attempt:
        return NOT_MINE
    signals = _Signals()
    process: dict[str, Any] = {"attempt": attempt, "supervisor": identify(os.getpid()), "child": None}
    records.write_record(folder / records.PROCESS, process)
    try:
        child = _spawn(folder, specification["command"])
    except OSError as error:
        _finish(folder, attempt, None, f"could not be started: {error}")
        return 1
    process["child"] = identify(child.pid)
    records.write_record(folder / records.PROCESS, process)
    reason = _wait(child, signals, specification["deadline_seconds"], specification["grace_seconds"])
    _end_strays(folder)
    _finish(folder, attempt, child.returncode, reason)
    return 0


def identify(pid: int) -> dict[str, Any]:
    """A process's pid and start time (seconds since the epoch): a pid alone may be another process's tomorrow."""
    import psutil

    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.Error:
        return {"pid": pid, "started": time.time()}


class _Signals:
    """Sleeps until a child ends, someone asks to stop, or time is up."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stop_requested = True

    def sleep(self, seconds: float | None) -> None:
        select.select([self._read], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)


def _spawn(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / records.LOG).open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder / records.WORK,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(
    child: subprocess.Popen[bytes], signals: _Signals, deadline_seconds: float | None, grace_seconds: float
) -> str:
    """Waits for the end of the child, which comes by itself, at the deadline or on request; tells which."""
    deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    while child.poll() is None:
        if signals.stop_requested:
            _end(child, signals, grace_seconds)
            return "stopped"
        if deadline is not None and time.monotonic() >= deadline:
            _end(child, signals, grace_seconds)
            return "deadline"
        signals.sleep(None if deadline is None else max(0.0, deadline - time.monotonic()))
    return "exited"


def _end(child: subprocess.Popen[bytes], signals: _Signals, grace_seconds: float) -> None:
    _signal_group(child.pid, signal.SIGTERM)
    killed_at = time.monotonic() + grace_seconds
    while child.poll() is None and time.monotonic() < killed_at:
        signals.sleep(max(0.0, killed_at - time.monotonic()))
    if child.poll() is None:
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_strays(folder: Path) -> None:
    """Kills what the process has left running in sessions of its own, as torchrun's workers are."""
    from infra.local.process import processes_of

    for stray in processes_of(folder):
        if stray.pid != os.getpid():
            with contextlib.suppress(Exception):
                stray.kill()


def _finish(folder: Path, attempt: str, exit_code: int | None, reason: str) -> None:
    status = {"attempt": attempt, "exit_code": exit_code, "reason": reason, "finished": time.time()}
    with contextlib.suppress(FileNotFoundError):
        records.write_record(folder / records.STATUS, status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
