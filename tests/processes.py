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


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; one that has ended, and whose parent has not asked how, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        # It was reaped between the two looks.
        return False


def wait_until_gone(processes: Iterable[psutil.Process]) -> None:
    """Wait for the processes to end, and fail if one does not."""
    _, alive = psutil.wait_procs(list(processes), timeout=PATIENCE_SECONDS)
    alive = [process for process in alive if is_alive(process)]
    assert not alive, f"still running: {alive}"


@contextmanager
def no_process_left() -> Iterator[None]:
    """Fail if a child of this process that is started within the block is still there at its end."""
    me = psutil.Process()
    before = set(me.children(recursive=True))
    yield
    wait_until_gone(set(me.children(recursive=True)) - before)
