"""Runs a command and measures it from its start to its end: wall time, CPU time, peak memory.

A command runs in a session of its own with nothing on its standard input and its output in a pipe, which is read to the
end, as from a script. Whatever happens, neither it nor a process below it is left when the measurement is over.
"""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import BenchError

# Far beyond what anything measured here takes; a command that hangs ends then.
LONGEST_SECONDS = 900.0
_SAMPLING_SECONDS = 0.01
_SHOWN_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, where, and with which environment variables (all of them)."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured run."""

    output: str
    seconds: float
    """Wall time from before the process is made until it has ended and its output is read."""
    cpu_seconds: float
    """User and system time of the process and of all below it that their parents have waited for."""


def run(command: Command) -> Run:
    """Runs the command once. Raises BenchError where it fails or hangs."""
    before = _cpu_seconds_of_children()
    began = time.perf_counter()
    with _running(command) as process:
        output = _output_of(process, command)
    seconds = time.perf_counter() - began
    return Run(output=output, seconds=seconds, cpu_seconds=_cpu_seconds_of_children() - before)


def peak_memory_mib(command: Command) -> float:
    """Runs the command once; the most memory that it held at any time, in MiB.

    That is the sum of the resident set sizes of the process and all below it, sampled every 10 ms. Memory that several
    of them share counts for each. Sampling costs time, so times are measured in other runs.
    """
    peak = 0
    with _running(command) as process:
        reader = threading.Thread(target=_drain, args=(process,), daemon=True)
        reader.start()
        deadline = time.monotonic() + LONGEST_SECONDS
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, _tree(process.pid))))
            time.sleep(_SAMPLING_SECONDS)
            if time.monotonic() > deadline:
                raise BenchError(_hung(command))
        reader.join(1.0)
    if process.returncode != 0:
        raise BenchError(f"`{_words(command)}` ended with exit code {process.returncode}")
    return peak / 2**20


@contextmanager
def _running(command: Command) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        list(command.arguments),
        cwd=command.directory,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    below = _tree(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for each in below:
        with suppress(psutil.Error):
            each.kill()
    process.wait()


def _output_of(process: subprocess.Popen[bytes], command: Command) -> str:
    try:
        output = process.communicate(timeout=LONGEST_SECONDS)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        raise BenchError(_hung(command)) from None
    if process.returncode != 0:
        last = "\n".join(output.rstrip().splitlines()[-_SHOWN_LINES:])
        raise BenchError(f"`{_words(command)}` ended with exit code {process.returncode}:\n{last}")
    return output


def _hung(command: Command) -> str:
    return f"`{_words(command)}` did not end within {LONGEST_SECONDS:g} s, and was stopped"


def _words(command: Command) -> str:
    return " ".join([Path(command.arguments[0]).name, *command.arguments[1:]])


def _drain(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    with suppress(OSError, ValueError):
        while os.read(process.stdout.fileno(), 65536):
            pass


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tree(pid: int) -> list[psutil.Process]:
    """The process and all below it that are there at the moment."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
