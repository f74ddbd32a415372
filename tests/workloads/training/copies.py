"""Runs of `python -m MODULE` that begin as copies of a process which has imported PyTorch already.

Those imports take most short runs longer than all that they do. A copy is forked from the test process's fork server,
which `groups` forks its workers from too; from there on it is what the command is where it is started anew, but for two
things: its modules are imported, and a fork server of its own, as the launcher starts one, is a copy as well.
"""

import fcntl
import itertools
import json
import multiprocessing
import multiprocessing.util
import os
import runpy
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NoReturn, TextIO

PRELOAD = [
    "torch",
    "torch._dynamo",
    "torch.distributed.run",
    "torch.distributed.launcher.api",
    "trainyard_training.train",
    "trainyard_training.release",
    "tests.workloads.training.groups",
    "tests.workloads.training.copies",
]
"""What the fork server imports."""


class Copy:
    """A process with the part of `subprocess.Popen` that the tests use; it leads a session of its own."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts `python ARGUMENTS`, which begin with `-m MODULE`; its output and errors go to `stdout`."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        reader, writer = context.Pipe(duplex=False)
        self._process = context.Process(target=_become, args=(writer, list(arguments), dict(environment)))
        self._process.start()
        writer.close()
        self.stdout: TextIO = os.fdopen(os.dup(reader.fileno()), "r")
        reader.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid is not None
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative where a signal ended it. Raises TimeoutError."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} has not ended in {timeout} s")
        return self._process.exitcode


def _become(writer: "Connection[str, str]", arguments: list[str], environment: dict[str, str]) -> None:
    os.setsid()
    os.dup2(writer.fileno(), 1)
    os.dup2(writer.fileno(), 2)
    writer.close()
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ.update(environment)
    # It is asked for once a process.
    tempfile.tempdir = None
    multiprocessing.util.spawnv_passfds = _second_copy()
    _, module, *rest = arguments
    sys.argv[:] = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _second_copy() -> Callable[[str, Sequence[bytes | str], Sequence[int]], int]:
    """Forks what will be the first server that multiprocessing starts, while this process has no threads yet."""
    start_anew = multiprocessing.util.spawnv_passfds
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _wait_for_program(theirs)
    theirs.close()

    def start(path: str, arguments: Sequence[bytes | str], passed: Sequence[int]) -> int:
        if ours.fileno() == -1:
            return start_anew(path, arguments, passed)
        # In the program the files have this process's numbers.
        request = json.dumps([os.fsdecode(arguments[-1]), list(passed), dict(os.environ)])
        socket.send_fds(ours, [request.encode()], list(passed))
        ours.close()
        return pid

    return start


def _wait_for_program(theirs: socket.socket) -> NoReturn:
    status = 1
    try:
        request, received, _, _ = socket.recv_fds(theirs, 1_000_000, 16)
        if request:
            program, numbers, environment = json.loads(request)
            os.environ.clear()
            os.environ.update(environment)
            # First to where none of the numbers is.
            free = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, max(numbers) + 1) for descriptor in received]
            for descriptor, number in zip(free, numbers, strict=True):
                os.dup2(descriptor, number)
            kept = sorted({0, 1, 2, *numbers})
            for before, after in itertools.pairwise([*kept, os.sysconf("SC_OPEN_MAX")]):
                os.closerange(before + 1, after)
            exec(program, {"__name__": "__main__"})  # noqa: S102 - what `python -c` would run
            status = 0
    finally:
        os._exit(status)
