"""Processes that end with whoever started them.

``Processes`` starts them and ends them all, whatever happens; a process that was started calls ``end_with(starter())``,
for the one end that nobody can handle: that its parent is killed outright.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_PARENT_VARIABLE = "TRAINYARD_FEDERATED_PARENT"
_WATCH_SECONDS = 0.2
_GRACE_SECONDS = 3.0
_SHOWN_LINES = 15


class ProcessEndedError(Exception):
    """A process that the run needs has ended. The message holds the end of what it said."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """Its exit status; negative where a signal has ended it."""


class Processes:
    """The processes of one run, each with a log of its own. As a context manager it ends all of them."""

    def __init__(self, logs: Path) -> None:
        """Log into files in the folder ``logs``, which is there."""
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], output: IO[str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start ``python -m COMMAND`` called ``name``; what it says goes to ``output``, or to its log where None."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**environment, _PARENT_VARIABLE: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=output or log,
                stderr=log if output is None else sys.stderr,
                # A terminal's Ctrl-C is for the one that started them, which then ends them in their order.
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def require_running(self, *names: str) -> None:
        """Check that those processes still run.

        Raises:
            ProcessEndedError: one does not.
        """
        for name in names:
            if (status := self._running[name].poll()) is not None:
                raise ProcessEndedError(self.last_words(name), status)

    def ended(self) -> list[str]:
        """Names of those that have ended."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def last_words(self, name: str) -> str:
        """How the process ended, and the end of its log."""
        try:
            lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        shown = "\n".join(f"    {line}" for line in [each for each in lines if each.strip()][-_SHOWN_LINES:])
        return f"{name} ended with {self._running[name].poll()}" + (f":\n{shown}" if shown else "")

    def status(self, name: str) -> int:
        """Exit status of one that has ended; negative where a signal has ended it."""
        return self._running[name].wait()

    def stop(self, *names: str) -> None:
        """End those processes: asked at first, the last named first, and after three seconds outright."""
        processes = [self._running.pop(name) for name in reversed(names)]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.stop(*self._running)


def starter() -> int:
    """The process that started this one by ``Processes.start``, or otherwise the one that is its parent now.

    Where that has ended before this is called, the two differ, and ``os.getppid()`` is another one.
    """
    return int(os.environ.get(_PARENT_VARIABLE) or os.getppid())


def end_with(parent: int) -> None:
    """From now on, this process is killed within a fraction of a second when its parent is not ``parent`` any more.

    A fork has to call it again: threads are not forked.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
