"""Envelope encryption beside `openssl speed` of the same cipher, AES-256-GCM, both on one core.

The envelope is the one that artifacts and checkpoints go into, in a process of its own. Its key-encryption key is one
in memory, so that no key service counts. Each result is the time that a message of some size takes, and beside it the
time in which OpenSSL encrypts as many bytes, in blocks of 16 KiB that stay in the processor's cache. The target, half
of OpenSSL's throughput, is a ratio of at most 2.

glibc is told to keep memory that was freed, as a process that encrypts much should be; `fresh` is without that.
"""

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench import measure
from bench.envelopes import envelope_in_memory
from bench.errors import BenchError
from bench.machine import describe_machine
from bench.measure import Command
from bench.results import Comparison, Result, Target

NAME = "encryption"
SIZES = (1, 16, 64, 256)
"""MiB of a message."""
TURNS = 3
"""How often the envelope and OpenSSL take turns; the result is the median."""
TARGET = Target(of="ratio", at_most=2.0)
MEMORY_SETTINGS: Mapping[str, str] = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}
"""Environment variables by which glibc keeps freed memory for what comes next, mallopt(3)."""

_FRESH = "/fresh"
_BLOCK_BYTES = 16 * 1024
_MIB = 2**20
_PROJECT = Path(__file__).resolve().parent.parent
_ASSOCIATED_DATA = b"job/run/artifact"


def steps(turns: int = TURNS) -> int:
    """How many times `measure_encryption` tells its progress."""
    return 3 * turns


def missing() -> str | None:
    """Why this cannot be measured on this machine; None where it can."""
    return None if shutil.which("openssl") else "openssl is not on PATH"


def measure_encryption(
    folder: Path, progress: Callable[[str], None], *, sizes: Sequence[int] = SIZES, turns: int = TURNS
) -> list[Result]:
    """Measures the envelope in processes of their own; nothing is written to `folder`.

    Raises BenchError where there is no OpenSSL, or one that does not say how fast it is.
    """
    if reason := missing():
        raise BenchError(reason)
    machine = describe_machine()
    openssl: list[float] = []
    ours: dict[str, list[float]] = {}
    for turn in range(1, turns + 1):
        progress(f"openssl speed, turn {turn} of {turns}")
        openssl.append(openssl_bytes_a_second(folder))
        for settings, suffix in ((MEMORY_SETTINGS, ""), ({}, _FRESH)):
            kept = "fresh" if suffix else "kept"
            progress(f"envelopes of up to {max(sizes)} MiB, memory {kept}, turn {turn} of {turns}")
            for name, seconds in _in_a_process(sizes, settings).items():
                ours.setdefault(name + suffix, []).append(seconds)
    speed = statistics.median(openssl)
    return [
        Result(
            name=f"{NAME}/{name}",
            value=statistics.median(seconds) * 1_000,
            unit="ms",
            compared_with=Comparison(what="openssl speed", value=_mib_of(name) * _MIB / speed * 1_000),
            target=None if name.endswith(_FRESH) else TARGET,
            machine=machine,
        )
        for name, seconds in sorted(ours.items(), key=lambda item: _FRESH in item[0])
    ]


def openssl_bytes_a_second(folder: Path) -> float:
    """How much OpenSSL encrypts in a second by AES-256-GCM. Raises BenchError where it does not say so."""
    arguments = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(_BLOCK_BYTES), "-evp", "aes-256-gcm"]
    return parse_speed(measure.run(Command(arguments=arguments, directory=folder, environment=os.environ)).output)


def parse_speed(output: str) -> float:
    """Bytes a second in what `openssl speed -mr` prints for one cipher. Raises BenchError where there are none."""
    figures = [line.rpartition(":")[2] for line in output.splitlines() if line.startswith("+F:")]
    try:
        (figure,) = map(float, figures)
    except ValueError:
        figure = 0.0
    if not 0.0 < figure < float("inf"):
        raise BenchError(f"openssl speed does not say how fast it is; it printed:\n{output[-2000:]}")
    return figure


def time_envelopes(sizes: Sequence[int]) -> dict[str, float]:
    """Seconds that messages of so many MiB take, by the name of the result, in this process.

    Raises BenchError where a message does not come back as it was.
    """
    envelope = envelope_in_memory()
    seconds: dict[str, float] = {}
    for size in sizes:
        message = os.urandom(size * _MIB)
        ciphertext = envelope.encrypt(message, _ASSOCIATED_DATA)
        if envelope.decrypt(ciphertext, _ASSOCIATED_DATA) != message:
            raise BenchError(f"a message of {size} MiB does not come back as it was")
        for name, action, data in (("encrypt", envelope.encrypt, message), ("decrypt", envelope.decrypt, ciphertext)):
            seconds[f"{name}/{size}-mib"] = _median_seconds(partial(action, data, _ASSOCIATED_DATA), repeats(size))
    return seconds


def repeats(size: int) -> int:
    """How often a message of so many MiB is timed in one process; its result is the median."""
    return 5 if size > 16 else 15


def _median_seconds(action: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _in_a_process(sizes: Sequence[int], settings: Mapping[str, str]) -> dict[str, float]:
    others = {name: value for name, value in os.environ.items() if name not in MEMORY_SETTINGS}
    arguments = [sys.executable, "-m", "bench.encryption", *map(str, sizes)]
    run = measure.run(Command(arguments=arguments, directory=_PROJECT, environment={**others, **settings}))
    timed: dict[str, float] = json.loads(run.output)
    return timed


def _mib_of(name: str) -> int:
    return int(name.split("/")[1].removesuffix("-mib"))


if __name__ == "__main__":
    print(json.dumps(time_envelopes([int(each) for each in sys.argv[1:]])))
