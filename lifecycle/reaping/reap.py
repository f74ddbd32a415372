"""Reaps what is due: one after the other, each under its own lock. Where one fails, the others have their turn."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from engine.errors import EngineError
from lifecycle.deployer import Show
from lifecycle.reaping.expired import Due, Findings, RunSeen, find_due
from lifecycle.reaping.stacks import ReapingStopped, StackBusy, StackRefused, World, look_at, stacks_of, take_down
from lifecycle.runs.errors import RunLocked
from lifecycle.runs.folder import held, list_runs, run_folder, runs_folder
from lifecycle.runs.going_on import NOT_LOOKED_AT, finish
from lifecycle.runs.record import RunRecord

Outcome = Literal["reaped", "unverified", "leftovers", "refused", "busy", "stopped", "failed"]
"""reaped: nothing is left. unverified: nothing is left, and what was trained could not be brought. leftovers: it is
destroyed, and something is left. The others: it is still there."""

NO_ARTIFACTS = ": no artifacts: "
"""By what a run tells why it has brought nothing."""
UNVERIFIED = "unverified-artifacts"
"""The one obstacle that can be overridden here; what is protected, or another account's, is no reaper's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that an audit has found."""

    kind: str
    id: str
    removal: tuple[str, ...] = ()
    """Commands that remove it, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """What became of one run or stack."""

    due: Due
    outcome: Outcome
    text: str = ""
    """What a person should know of it."""
    leftovers: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReapReport:
    """What was due and what became of it."""

    at: str
    """When it was looked, ISO 8601 in UTC."""
    findings: Findings
    not_looked_at: tuple[str, ...] = ()
    reaped: tuple[Reaped, ...] = ()
    dry_run: bool = False
    asked_for: tuple[str, ...] = ()
    """The stacks that were named; empty: all."""

    def as_dry_run(self) -> "ReapReport":
        """The same, told as what would be done."""
        return replace(self, dry_run=True)

    @property
    def is_done(self) -> bool:
        """Whether nothing that has expired is still there, and nothing was lost without having been told to."""
        undone = any(each.outcome not in ("reaped", "leftovers") for each in self.reaped)
        unknown = self.findings.problems or (self.asked_for and self.not_looked_at)
        return not (undone or unknown or self.findings.busy)

    @property
    def has_leftovers(self) -> bool:
        """Whether something of a destroyed stack is still there."""
        return any(each.leftovers for each in self.reaped)


def look(directory: Path, stacks: Sequence[str], world: World, now: datetime | None = None) -> ReapReport:
    """What is due now among the runs and stacks of a project, or of the stacks that are named. Raises EngineError."""
    now = now or datetime.now(UTC)
    runs: list[RunSeen] = []
    unreadable: list[str] = []
    for folder in list_runs(directory):
        try:
            # The lock first: a run that ends meanwhile is over by the time that it is read.
            locked = folder.is_locked()
            record = folder.read()
        except EngineError as error:
            unreadable.append(str(error))
            continue
        if not stacks or record.stack in stacks:
            runs.append(RunSeen(record=record, locked=locked))
    seen = look_at(directory, stacks or stacks_of(directory), world)
    return ReapReport(
        at=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        findings=find_due(runs, seen.stacks, now),
        not_looked_at=(*unreadable, *seen.not_looked_at),
        asked_for=tuple(stacks),
    )


def reap(
    directory: Path,
    found: ReapReport,
    world: World,
    *,
    show: Show,
    overrides: Sequence[str] = (),
    fetch_to: Path | None = None,
) -> ReapReport:
    """Brings everything that is due to its end; the report with what became of each. Raises RunLocked for a second one.

    :param fetch_to: Where the artifacts of expired stacks are brought; those of runs are brought to the runs' folders.
    """
    done: list[Reaped] = []
    with reaping(directory):
        for due in found.findings.due:
            show(f"{due.kind} {due.name}: {due.why}")
            try:
                done.append(_one(directory, due, world, show, overrides, fetch_to))
            except (RunLocked, StackBusy) as error:
                done.append(Reaped(due=due, outcome="busy", text=str(error)))
            except StackRefused as error:
                done.append(Reaped(due=due, outcome="refused", text=str(error)))
            except ReapingStopped as error:
                done.append(Reaped(due=due, outcome="stopped", text=str(error)))
                break
            except EngineError as error:
                done.append(Reaped(due=due, outcome="failed", text=str(error)))
            show(f"{due.kind} {due.name}: {done[-1].outcome}")
    return replace(found, reaped=tuple(done))


def reaping(directory: Path) -> AbstractContextManager[None]:
    """Held by the one process that reaps in a project. Raises RunLocked."""
    runs = runs_folder(directory)
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    return held(runs / ".reap.lock", "process {pid} is reaping in this project already")


def _one(
    directory: Path, due: Due, world: World, show: Show, overrides: Sequence[str], fetch_to: Path | None
) -> Reaped:
    if due.kind == "run":
        give_up = f"it {due.why}" if due.reason == "expired" else ""
        said: list[str] = []

        def note(line: str) -> None:
            said.append(line)
            show(line)

        record = finish(run_folder(directory, due.name), note, give_up=give_up, unverified=UNVERIFIED in overrides)
        return _of_run(due, record, why_none="".join(line for line in said if NO_ARTIFACTS in line))
    report = take_down(directory, due.stack, world, show=show, overrides=overrides, fetch_to=fetch_to)
    left = [Left(kind=each.kind, id=each.id, removal=each.removal) for each in report.leftovers]
    left += [Left(kind=NOT_LOOKED_AT, id=problem) for problem in report.problems]
    return Reaped(due=due, outcome="leftovers" if left else "reaped", leftovers=tuple(left))


def _of_run(due: Due, record: RunRecord, why_none: str) -> Reaped:
    left = tuple(Left(kind=each.kind, id=each.id, removal=each.removal) for each in record.leftovers)
    told = [f"the run {record.outcome}", record.reason]
    if not record.artifacts_verified:
        told.append(why_none.partition(NO_ARTIFACTS)[2] or "nothing that it had trained is here")
    text = ": ".join(filter(None, told))
    if left:
        return Reaped(due=due, outcome="leftovers", text=text, leftovers=left)
    return Reaped(due=due, outcome="unverified" if record.cause == "artifacts" else "reaped", text=text)
