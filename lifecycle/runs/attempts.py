"""What interruptions have cost a training: its attempts, the work that was done again, goodput and money. Pure.

Each attempt at a run leaves a note in the bucket (`trainyard_training.reporting.attempt_notes`), which a process that
is killed leaves as it was. Laid end to end they are the run's timeline: an attempt that begins before the step that the
one before had reached does that work again.

Goodput is the part of the time paid for in which steps were made that count: without starting, restoring, waiting for
data, standing still for checkpoints, steps that were made twice, and what lies between two attempts. Source: Google
Cloud, "Introducing ML Productivity Goodput: a metric to measure AI system efficiency" (2024), and its
`ml-goodput-measurement`, whose productive time is that of the steps that are not repeated.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NOTES_FOLDER = "attempts"
"""Where the notes lie, below the folder of the run's step log."""
NOTES_VERSION = 1
DONE = "done"
NOTICE = "interruption notice"
KILLED = "killed"
Moment = Annotated[float, Field(ge=0, le=253_402_300_799)]
"""Seconds since the epoch, up to the year 9999."""
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


class Attempt(BaseModel):
    """One attempt at a run, as its note tells it. Times are seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    began: Moment
    training_began: Moment
    first_step: int = Field(ge=0)
    """Steps that had been made before."""
    step: int = Field(ge=0)
    """Steps that had been made when the note was written; a killed process may have made some more."""
    step_time: Moment
    saved_step: int | None = None
    saved_time: Moment | None = None
    workers: int = Field(ge=1)
    ended: Moment | None = None
    end: str = ""

    @property
    def last_seen(self) -> float:
        """When it was last known to live."""
        return max(self.ended or 0.0, self.step_time, self.training_began, self.saved_time or 0.0, self.began)

    @property
    def reason(self) -> str:
        """Why it ended before the run did, in words; `killed` where nobody was left to say."""
        if self.ended is None:
            return KILLED
        if any(name in self.end for name in _SIGNALS):
            return f"{NOTICE} ({self.end.removeprefix('received ')})"
        return self.end or "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A time at which an attempt ended and another one went on."""

    at: float
    """Seconds since the epoch."""
    reason: str
    lost_steps: int
    """Steps that were made before it and again after it."""
    lost_seconds: float
    """What they had taken."""
    down_seconds: float
    """From the last sign of life to the next attempt's first step."""
    workers_before: int
    workers_after: int

    @property
    def at_text(self) -> str:
        """The moment as records have it."""
        return utc_text_of(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHistory:
    """What became of the time of a run. Seconds."""

    attempts: tuple[Attempt, ...]
    interruptions: tuple[Interruption, ...]
    finished: bool
    """Whether the last attempt has published a model."""
    paid_seconds: float
    useful_seconds: float
    """Of steps that count, without what they waited for data and stood still for checkpoints."""

    @property
    def goodput(self) -> float | None:
        """The share of what was paid for, from 0 to 1; None where nothing was paid for."""
        if self.paid_seconds <= 0:
            return None
        return min(max(self.useful_seconds / self.paid_seconds, 0.0), 1.0)

    @property
    def lost_steps(self) -> int:
        """Steps that were made more than once."""
        return sum(each.lost_steps for each in self.interruptions)

    @property
    def lost_seconds(self) -> float:
        """What they had taken."""
        return sum(each.lost_seconds for each in self.interruptions)


@dataclass(slots=True)
class _Stretch:
    """Steps in a row that took about the same time each."""

    first: int
    last: int
    seconds: float

    def cut(self, step: int) -> float:
        """Forgets the steps after `step`, which lies within; returns what they had taken."""
        steps = self.last - self.first
        lost = self.seconds * (self.last - step) / steps if steps else 0.0
        self.last, self.seconds = step, self.seconds - lost
        return lost


def history_of(
    attempts: Iterable[Attempt], *, paid_seconds: float | None = None, idle_seconds: float = 0.0
) -> RunHistory:
    """What became of the time of a run.

    :param attempts: In any order.
    :param paid_seconds: For how long the machines were paid for; None: from the first attempt's beginning to the last
        sign of life of the last one, since what is between two attempts is paid for where the machines stay.
    :param idle_seconds: Of the steps that count, what they waited for data and stood still for checkpoints
        (`idle_seconds_of`).
    """
    ordered = sorted(attempts, key=lambda each: (each.began, each.training_began, each.first_step))
    kept: list[_Stretch] = []
    interruptions: list[Interruption] = []
    for number, attempt in enumerate(ordered):
        if number:
            interruptions.append(_interruption(kept, ordered[number - 1], attempt))
        kept += _stretches(attempt)
    if paid_seconds is None:
        paid_seconds = max((each.last_seen for each in ordered), default=0.0) - ordered[0].began if ordered else 0.0
    return RunHistory(
        attempts=tuple(ordered),
        interruptions=tuple(interruptions),
        finished=bool(ordered) and ordered[-1].end == DONE,
        paid_seconds=max(paid_seconds, 0.0),
        useful_seconds=max(sum(each.seconds for each in kept) - idle_seconds, 0.0),
    )


def idle_seconds_of(entries: Sequence[Mapping[str, Any]]) -> float:
    """Seconds of a step log in which no step was computed: waited for data, and stood still for checkpoints.

    The share that an entry tells is that of the time since the entry before. Entries that lack a field count as busy.
    """
    idle = before = 0.0
    for entry in entries:
        now = _number(entry.get("elapsed_seconds"), before)
        idle += min(max(_number(entry.get("data_wait_share"), 0.0), 0.0), 1.0) * max(now - before, 0.0)
        idle += max(_number(entry.get("checkpoint_stall_seconds"), 0.0), 0.0)
        before = now
    return idle


def read_attempt(content: bytes) -> Attempt | None:
    """The attempt of a note; None for what is none of this version, such as a note that was cut off."""
    try:
        document = json.loads(content)
        if not isinstance(document, dict) or document.get("version") != NOTES_VERSION:
            return None
        return Attempt.model_validate(document)
    except (ValidationError, ValueError):
        return None


def read_log(content: bytes) -> tuple[dict[str, Any], ...]:
    """The entries of a step log; lines that are cut off or are none are left out."""
    entries = []
    for line in content.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
    return tuple(entries)


def utc_text_of(seconds: float) -> str:
    """A moment as records have it, ISO 8601 in UTC to the second.

    :param seconds: Since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _interruption(kept: list[_Stretch], before: Attempt, after: Attempt) -> Interruption:
    """What lies between two attempts; takes the work that is done again from what is kept."""
    steps = seconds = 0.0
    while kept and kept[-1].last > after.first_step:
        last = kept[-1]
        start = max(last.first, after.first_step)
        steps += last.last - start
        seconds += last.cut(start)
        if last.last == last.first:
            kept.pop()
    return Interruption(
        at=before.last_seen,
        reason=before.reason,
        lost_steps=int(steps),
        lost_seconds=seconds,
        down_seconds=max(after.training_began - before.last_seen, 0.0),
        workers_before=before.workers,
        workers_after=after.workers,
    )


def _stretches(attempt: Attempt) -> list[_Stretch]:
    """The steps of one attempt, those before its newest checkpoint and those after it."""
    found = []
    at, since = attempt.first_step, attempt.training_began
    if attempt.saved_step is not None and attempt.saved_time is not None and at < attempt.saved_step <= attempt.step:
        found.append(_Stretch(at, attempt.saved_step, max(attempt.saved_time - since, 0.0)))
        at, since = attempt.saved_step, attempt.saved_time
    if attempt.step > at:
        found.append(_Stretch(at, attempt.step, max(attempt.step_time - since, 0.0)))
    return found


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
