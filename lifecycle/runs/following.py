"""Shows how a training goes while the stack that it is in is deployed: one line, told anew whenever something changes.

Where the lines come from is a source: the log of a job on this machine, or the logs of its pods. A source may fail, go
away and come back: that is told once, and never ends the run.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from lifecycle.runs.folder import RunFolder
from lifecycle.runs.following_state import FollowingState
from lifecycle.runs.record import RunRecord, moment_of

TRAINING_JOB = "training"
"""What the job is called, as `workloads.training.component` names it."""
LOOK_SECONDS = {"local": 0.3}
"""Seconds between two looks, by cloud; clouds count requests."""
OTHER_LOOK_SECONDS = 10.0
LEAST_SECONDS_BETWEEN_LINES = 5.0
"""Where nothing moves, as in a log of CI, each line stays."""
_MOST_BYTES = 4 * 2**20


class Lines(Protocol):
    """Where a training's lines come from."""

    def read(self) -> list[str]:
        """The whole lines that are new; none where there is nothing yet. Raises SourceError, OSError."""


class SourceError(Exception):
    """The lines cannot be read now; the text says why, in one sentence."""


def follow(
    record: RunRecord, folder: RunFolder, directory: Path, stop: threading.Event, show: Callable[[str], None]
) -> None:
    """Shows how a run's training goes until `stop` is set. It never raises.

    :param directory: The project's folder.
    :param show: Shows one line in place of the one before.
    """
    try:
        source = source_of(record, directory, folder)
    except Exception as error:
        show(f"how the training goes cannot be shown: {one_line(error)}")
        return
    follow_lines(
        source,
        lambda now: cost_so_far(record, now),
        stop,
        show,
        look_seconds=LOOK_SECONDS.get(record.cloud, OTHER_LOOK_SECONDS),
    )


def source_of(record: RunRecord, directory: Path, folder: RunFolder) -> Lines:
    """Where the lines of a run's training come from, by its cloud. Nothing is asked yet."""
    if record.cloud == "local":
        return LogTail(directory / ".pulumi" / "local" / record.stack / TRAINING_JOB / "log.txt")
    from lifecycle.runs.following_pods import pod_lines

    file = folder.stack_file(record.stack)
    return pod_lines(record.cloud, directory, record.stack, str(file) if file.is_file() else "")


def follow_lines(
    source: Lines,
    usd: Callable[[float], float],
    stop: threading.Event,
    show: Callable[[str], None],
    *,
    look_seconds: float,
    clock: Callable[[], float] = time.time,
) -> FollowingState:
    """Shows what a source's lines come to until `stop` is set, and once more then; returns what is known at the end.

    :param usd: What the run has cost at a moment, in seconds since the epoch.
    """
    state = FollowingState()
    shown: FollowingState | None = None
    told: set[str] = set()
    shown_at = 0.0
    while True:
        last = stop.is_set()
        now = clock()
        try:
            state = state.after_all(source.read(), now)
        except Exception as error:
            # What shows the run is no part of it: whatever fails here must not end what costs money.
            text = one_line(error)
            if text not in told:
                told.add(text)
                show(f"how the training goes cannot be seen at the moment: {text}")
        is_news = shown is None or state.stage != shown.stage
        if state != shown and (last or is_news or now - shown_at >= LEAST_SECONDS_BETWEEN_LINES):
            show(state.text(now, usd(now)))
            shown, shown_at = state, now
        if last:
            return state
        stop.wait(look_seconds)


def cost_so_far(record: RunRecord, now: float) -> float:
    """US dollars that a run has cost at a moment: the price of its plan at full size since its first deployment.

    :param now: Seconds since the epoch.
    """
    began = moment_of(record.deployed_at or record.created)
    hours = max((datetime.fromtimestamp(now, UTC) - began).total_seconds(), 0.0) / 3600
    return hours * record.cost.usd_per_hour


def one_line(error: Exception) -> str:
    """An error's first line, or its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class LogTail:
    """The whole lines that a growing file has got since the last look.

    A file that is not there yet, was cut, or was made anew in the same place is read from its beginning.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._rest = b""

    def read(self) -> list[str]:
        """The new lines; a last one without its end waits for the next look. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:
                    self._file, self._offset, self._rest = (status.st_dev, status.st_ino), 0, b""
                file.seek(self._offset)
                new = file.read(_MOST_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return [line.decode("utf-8", errors="replace").rstrip("\r") for line in lines]
