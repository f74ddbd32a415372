"""Watching processes in tests."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil

PATIENCE_SECONDS = 20.0


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line of the process's standard output."""
    assert process.stdout
    return process.stdout.readline().strip()


def wait_until_gone(processes: Iterable[psutil.Process]) -> None:
    """Wait for the processes to end, and fail if one does not."""
    _, alive = psutil.wait_procs(list(processes), timeout=PATIENCE_SECONDS)
    alive = [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert not alive, f"still running: {alive}"


@contextmanager
def no_process_left() -> Iterator[None]:
    """Fail if a child of this process that is started within the block is still there at its end."""
    me = psutil.Process()
    before = set(me.children(recursive=True))
    yield
    wait_until_gone(set(me.children(recursive=True)) - before)
