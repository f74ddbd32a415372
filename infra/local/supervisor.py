"""The parent of one process: `python -m infra.local.supervisor FOLDER ATTEMPT`.

It outlives whoever started it, so that a deployment that is killed half-way loses nothing: it records the process,
ends it at its deadline (SIGTERM, grace, SIGKILL), and records how it ended. It hands its own environment to the
process, and keeps its log from growing for ever where the specification says so.

What is kept (`infra.local.process.keep`) it starts again when it ends by itself: a second later, and where it ends
again within a minute, after twice as long each time, up to a minute.
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

from infra.local import log_file, records

NOT_MINE = 3
"""Exit code of a supervisor that was started too late: another one has the folder."""

_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1, 60
_LASTING_SECONDS = 60.0
_STRAYS_END_SECONDS = 5.0


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
    in_a_row = 0
    while True:
        began = time.monotonic()
        exit_code, reason = _run(folder, specification, signals)
        if reason in ("stopped", "deadline") or not records.is_kept(folder, attempt):
            break
        in_a_row = 0 if time.monotonic() - began >= _LASTING_SECONDS else in_a_row
        seconds = pause_seconds(in_a_row)
        how = reason if exit_code is None else f"ended with exit code {exit_code}"
        _tell(folder, f"{how}; it is started again in {seconds} s")
        if not signals.pause(seconds):
            reason = "stopped"
            break
        in_a_row += 1
    _finish(folder, attempt, exit_code, reason)
    return 0


def pause_seconds(in_a_row: int) -> int:
    """How long what has ended stays so before it is started again.

    :param in_a_row: How many times it was started again before, and lasted less than a minute each time.
    """
    return min(_SHORTEST_PAUSE_SECONDS << in_a_row, _LONGEST_PAUSE_SECONDS)


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

    def pause(self, seconds: float) -> bool:
        """Waits for so long, or until someone asks to stop; whether nobody has."""
        ends = time.monotonic() + seconds
        while not self.stop_requested and (left := ends - time.monotonic()) > 0:
            self.sleep(left)
        return not self.stop_requested

    def sleep(self, seconds: float | None) -> None:
        select.select([self._read], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)


def _run(folder: Path, specification: dict[str, Any], signals: _Signals) -> tuple[int | None, str]:
    """Starts the process, records it and waits for its end; exit code, None where there was none, and reason."""
    process: dict[str, Any] = {
        "attempt": specification["attempt"],
        "supervisor": identify(os.getpid()),
        "child": None,
    }
    records.write_record(folder / records.PROCESS, process)
    try:
        child = _spawn(folder, specification["command"])
    except OSError as error:
        return None, f"could not be started: {error}"
    process["child"] = identify(child.pid)
    records.write_record(folder / records.PROCESS, process)
    reason = _wait(child, signals, specification, folder / records.LOG)
    _end_strays(folder)
    return child.returncode, reason


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


def _wait(child: subprocess.Popen[bytes], signals: _Signals, specification: dict[str, Any], log: Path) -> str:
    """Waits for the end of the child, which comes by itself, at the deadline or on request; tells which."""
    deadline_seconds, grace_seconds = specification["deadline_seconds"], specification["grace_seconds"]
    log_bytes = specification.get("log_bytes")
    deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
    while child.poll() is None:
        if signals.stop_requested:
            _end(child, signals, grace_seconds)
            return "stopped"
        if deadline is not None and time.monotonic() >= deadline:
            _end(child, signals, grace_seconds)
            return "deadline"
        waits = [] if deadline is None else [max(0.0, deadline - time.monotonic())]
        if log_bytes:
            log_file.cut(log, int(log_bytes))
            waits.append(log_file.SECONDS_BETWEEN_LOOKS)
        signals.sleep(min(waits, default=None))
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
    import psutil

    from infra.local.process import processes_of, wait_for_end

    strays = processes_of(folder)
    for stray in strays:
        with contextlib.suppress(psutil.Error):
            stray.kill()
    # What is started again may want what they hold.
    wait_for_end(strays, _STRAYS_END_SECONDS)


def _tell(folder: Path, text: str) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError), (folder / records.LOG).open("a", encoding="utf-8") as log:
        log.write(f"{moment} {text}\n")


def _finish(folder: Path, attempt: str, exit_code: int | None, reason: str) -> None:
    status = {"attempt": attempt, "exit_code": exit_code, "reason": reason, "finished": time.time()}
    with contextlib.suppress(FileNotFoundError):
        records.write_record(folder / records.STATUS, status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
