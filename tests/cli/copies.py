"""Runs of `yard` that begin as copies of a process which has imported the large packages of others already.

Those imports take most commands of planning longer than all that they do. Everything of Trainyard's own is imported
anew in every copy. The process that is copied runs this file: a request is a line of its standard input, and the answer
to it an exit code.
"""

import gc
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

PACKAGES = (
    "google.protobuf.struct_pb2",
    "matplotlib.figure",
    "pydantic",
    "rich.console",
    "rich.table",
    "ruamel.yaml",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "typer",
)
"""What several commands import of others and takes a hundredth of a second or more."""

SECONDS = 120.0
"""What a run may take."""


def run_copy(command: Sequence[str], variables: Mapping[str, str], cwd: Path, out: Path, err: Path) -> int:
    """Runs a Python script, `command`, to its end, its output in the files `out` and `err`; returns its exit code."""
    original = _original()
    assert original.stdin
    assert original.stdout
    try:
        request = [list(command), dict(variables), *map(str, (cwd, out, err))]
        original.stdin.write(json.dumps(request) + "\n")
        original.stdin.flush()
        return int(original.stdout.readline())
    except BaseException:
        end_original()
        raise


def end_original() -> None:
    """Ends the process that is copied, and a copy that still runs. Does nothing where there is none."""
    if _original.cache_info().currsize:
        with _original() as original:
            os.killpg(original.pid, signal.SIGKILL)
        _original.cache_clear()


@cache
def _original() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # With its copies, a process group of its own.
        start_new_session=True,
    )


def _serve() -> None:
    for module in PACKAGES:
        importlib.import_module(module)
    # Else every collection of a copy goes through all that these modules consist of.
    gc.freeze()
    for line in sys.stdin:
        copy = multiprocessing.get_context("fork").Process(target=_become, args=json.loads(line))
        copy.start()
        copy.join(SECONDS)
        # Does nothing where it has ended.
        copy.kill()
        copy.join()
        print(copy.exitcode, flush=True)


def _become(command: Sequence[str], variables: Mapping[str, str], cwd: str, out: str, err: str) -> None:
    """Makes this process what a Python script is where it is started anew."""
    for descriptor, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), (out, os.O_WRONLY), (err, os.O_WRONLY))):
        opened = os.open(path, flags | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    sys.argv[:] = command
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _serve()
