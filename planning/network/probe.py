"""Measures a bucket: writes objects of its own, reads them back, and removes them, whatever happens in between.

The clock, the network and threads are here and nowhere else in this package. The store is handed in, so that this file
knows no cloud. Each object is one request, so a connection is what carries one object at a time.
"""

import datetime
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from planning.network.measurement import Direction, Level, ProbeResult, check_levels
from planning.quantities import above

DEFAULT_STREAMS = (1, 2, 4, 8, 16, 32)
DEFAULT_OBJECT_BYTES = 4_000_000
MOST_OBJECT_BYTES = 5_000_000
"""Larger objects would be sent in several parts at once, and one connection would be many."""
_DIRECTIONS: tuple[Direction, ...] = ("write", "read")
_TINY = "one-byte"
_LATENCY_READS = 30
_SHARE_OF_TIME_FOR_LATENCY = 0.5
_REMOVERS = 16


class ProbeStopped(Exception):
    """Somebody has asked the probe to stop. What it wrote is removed."""


class ProbeLeftovers(Exception):
    """Objects of the probe could not be removed: the text says which and why."""


class Store(Protocol):
    """The objects below one URI that is the probe's own. What it raises is handed on."""

    @property
    def uri(self) -> str:
        """Where the objects lie."""

    def put(self, name: str, data: bytes) -> None:
        """Writes one object."""

    def get(self, name: str) -> bytes:
        """Reads one object."""

    def delete(self, name: str) -> None:
        """Removes one object; one that is not there is no error."""


def probe(
    store: Store,
    *,
    shown_uri: str,
    stop: threading.Event,
    streams: Sequence[int] = DEFAULT_STREAMS,
    object_bytes: int = DEFAULT_OBJECT_BYTES,
    seconds: float = 3.0,
    most_bytes: int = 1_000_000_000,
    report: Callable[[str], None] = lambda _: None,
) -> ProbeResult:
    """Measures a store at each number of connections, for so many seconds in each direction.

    :param shown_uri: What the result calls the store.
    :param stop: Once set, from a signal for example, the probe ends as soon as no request is under way.
    :param most_bytes: Writes no more than this, all levels together, and reads no more either.
    :param report: Is told what is going on.

    Whatever ends it, all that it has written is removed before it returns or raises. Raises PlanningError for levels
    that make no sense, ProbeStopped, ProbeLeftovers, and what the store raises.
    """
    check_levels(streams, object_bytes, most_bytes)
    above("seconds", seconds, 0.0)
    return _Probe(store, stop, report).measure(shown_uri, streams, object_bytes, seconds, most_bytes)


class _Probe:
    def __init__(self, store: Store, stop: threading.Event, report: Callable[[str], None]) -> None:
        self._store, self._stop, self._report = store, stop, report
        self._lock = threading.Lock()
        self._tried: list[str] = []
        self._there: list[str] = []
        self._bytes: dict[Direction, int] = {"write": 0, "read": 0}

    def measure(
        self, shown_uri: str, streams: Sequence[int], object_bytes: int, seconds: float, most_bytes: int
    ) -> ProbeResult:
        with self._removed_afterwards():
            self._report("latency: reads of one byte")
            latencies = self._first_byte_ms(seconds)
            # Bytes that do not repeat: neither the way nor the store can shorten them.
            payload = os.urandom(object_bytes)
            levels = []
            for count in streams:
                budget = most_bytes * count // (sum(streams) * object_bytes)
                for direction in _DIRECTIONS:
                    self._report(f"{direction}: {count} connection{'s' if count > 1 else ''}")
                    levels.append(self._level(direction, count, budget, seconds, payload))
        return ProbeResult(
            uri=shown_uri,
            taken_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            object_bytes=object_bytes,
            levels=tuple(levels),
            first_byte_ms=tuple(latencies),
            bytes_written=self._bytes["write"],
            bytes_read=self._bytes["read"],
        )

    def _first_byte_ms(self, seconds: float) -> list[float]:
        """What reading one byte takes, once the connection is up."""
        self._put(_TINY, b"1")
        self._store.get(_TINY)
        # Whoever may write but not remove would find that out with one byte, not with all of them.
        self._store.delete(_TINY)
        self._put(_TINY, b"1")
        found: list[float] = []
        deadline = time.perf_counter() + seconds * _SHARE_OF_TIME_FOR_LATENCY
        while not found or (len(found) < _LATENCY_READS and time.perf_counter() < deadline):
            self._check_stop()
            begun = time.perf_counter()
            self._store.get(_TINY)
            found.append((time.perf_counter() - begun) * 1000)
        return found

    def _level(self, direction: Direction, streams: int, budget: int, seconds: float, payload: bytes) -> Level:
        """Lets so many threads write or read objects until time or budget is used up; each does one at least."""
        sources = [name for name in self._there if name != _TINY]
        ends: list[float] = []
        left = iter(range(budget))
        begun = time.perf_counter()

        def work(thread: int) -> None:
            number = 0
            while number == 0 or (time.perf_counter() < begun + seconds and not self._stop.is_set()):
                with self._lock:
                    if next(left, None) is None:
                        return
                if direction == "write":
                    self._put(f"{streams:04d}/{thread:04d}-{number:06d}", payload)
                else:
                    self._store.get(sources[(thread + number * streams) % len(sources)])
                number += 1
                with self._lock:
                    ends.append(time.perf_counter())
                    self._bytes[direction] += len(payload)

        # The pool's end waits for every request under way, so that nothing is written after the removal.
        with ThreadPoolExecutor(max_workers=streams, thread_name_prefix="probe") as pool:
            futures = [pool.submit(work, thread) for thread in range(streams)]
        for future in futures:
            future.result()
        self._check_stop()
        return Level(
            direction=direction,
            streams=streams,
            objects=len(ends),
            megabytes_per_second=len(ends) * len(payload) / 1e6 / (max(ends) - begun),
        )

    def _put(self, name: str, data: bytes) -> None:
        with self._lock:
            self._tried.append(name)
        self._store.put(name, data)
        with self._lock:
            self._there.append(name)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise ProbeStopped

    @contextmanager
    def _removed_afterwards(self) -> Iterator[None]:
        """Removes every object that was tried to be written: one that failed may be there all the same."""
        try:
            yield
        finally:
            self._report("removing what was written")
            names = list(dict.fromkeys(self._tried))
            with ThreadPoolExecutor(max_workers=_REMOVERS, thread_name_prefix="remove") as pool:
                problems = [problem for problem in pool.map(self._remove, names) if problem]
            # Where nothing was ever written, the reason for that says more than that nothing can be removed.
            if problems and self._there:
                raise ProbeLeftovers(
                    f"{len(problems)} of {len(names)} objects below {self._store.uri} could not be removed; remove "
                    f"them by hand ({problems[0]})"
                )

    def _remove(self, name: str) -> str:
        try:
            self._store.delete(name)
        except Exception as error:
            return str(error)
        return ""
