"""Which runs and stacks are due to be reaped. Pure: it is told what there is, and what time it is.

A run is due when nobody works on it and it is not over: its time has come, or the process that worked on it is gone. A
stack is due when it holds resources and the moment is over that it exported as `expires_at`: what is deployed counts,
not what the stack's file says by now. The moment itself belongs to the stack: it is due when it is over. So is a stack
that is gone, where the reaper that destroyed it was killed before it had looked what is left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from engine.values import Secret
from lifecycle.runs.record import RunRecord

Reason = Literal["expired", "abandoned", "unaudited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run as its folder has it."""

    record: RunRecord
    locked: bool
    """Whether a living process works on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSeen:
    """A stack as its state has it."""

    stack: str
    resources: int
    expires_at: Any = None
    """What it exports under that name, whatever that is; None where it exports nothing so."""
    unaudited: bool = False
    """Whether a reaper has begun to destroy it and has not told what is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something to reap."""

    kind: Literal["run", "stack"]
    name: str
    """The run's id, or the stack."""
    stack: str
    reason: Reason
    since: str
    """When it expired, ISO 8601 in UTC; empty for what was abandoned before."""

    @property
    def why(self) -> str:
        """In words."""
        words = {"abandoned": "nobody works on it any more", "unaudited": "nobody has looked what is left of it"}
        return words.get(self.reason) or f"expired at {self.since}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A run that somebody works on although its time is over."""

    name: str
    stack: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is to be done, and what nobody can tell."""

    due: tuple[Due, ...] = ()
    """Those that expired first come first, then the others, the oldest first."""
    busy: tuple[Busy, ...] = ()
    problems: tuple[str, ...] = ()
    """What has an expiry that is none; it is left alone."""


class NoMoment(ValueError):
    """A text or a value is no moment; the text of the error says why."""


def moment_in(value: Any) -> datetime:
    """The moment that an expiry names. Raises NoMoment: for secrets, what is no text, and for a text without a zone.

    A moment without a zone is none: read as UTC, it could be hours before what its writer meant.
    """
    if isinstance(value, Secret):
        raise NoMoment("it is a secret")
    if not isinstance(value, str):
        raise NoMoment("it is no text")
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            raise NoMoment(f"{value!r} has no zone, as in 2027-03-31T18:00:00Z")
        # Near the ends of what a calendar holds there is no such moment in UTC.
        return moment.astimezone(UTC)
    except NoMoment:
        raise
    except (ValueError, OverflowError):
        raise NoMoment(f"{value!r} is no moment such as 2027-03-31T18:00:00Z") from None


def find_due(runs: Iterable[RunSeen], stacks: Iterable[StackSeen], now: datetime) -> Findings:
    """What is due at a moment, each once: a stack that an unfinished run has made is that run's to destroy.

    :param now: Any moment with a zone.
    """
    due: list[Due] = []
    busy: list[Busy] = []
    problems: list[str] = []
    taken: set[str] = set()
    for run in runs:
        record = run.record
        if record.is_over:
            continue
        taken.add(record.stack)
        expired = since = None
        try:
            moment = moment_in(record.expires_at)
            expired, since = moment < now, _text(moment)
        except NoMoment as error:
            problems.append(f"the expiry of run {record.id}: {error}")
        if run.locked:
            if expired:
                busy.append(Busy(name=record.id, stack=record.stack, since=since or ""))
        elif expired:
            due.append(Due(kind="run", name=record.id, stack=record.stack, reason="expired", since=since or ""))
        else:
            due.append(Due(kind="run", name=record.id, stack=record.stack, reason="abandoned", since=""))
    for each in stacks:
        if each.stack in taken:
            continue
        if each.unaudited and not each.resources:
            due.append(Due(kind="stack", name=each.stack, stack=each.stack, reason="unaudited", since=""))
        if not each.resources or each.expires_at in (None, ""):
            continue
        try:
            moment = moment_in(each.expires_at)
        except NoMoment as error:
            problems.append(f"the output expires_at of stack {each.stack}: {error}")
            continue
        if moment < now:
            due.append(Due(kind="stack", name=each.stack, stack=each.stack, reason="expired", since=_text(moment)))
    due.sort(key=lambda each: (each.reason != "expired", each.since, each.name))
    return Findings(due=tuple(due), busy=tuple(busy), problems=tuple(problems))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
