"""Goes on with a run until it is done: what `yard train`, `yard train --resume` and the reaper share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from lifecycle.caller import caller_of
from lifecycle.deployer import Deployer, Show, deployer_for
from lifecycle.runs.account import check_account
from lifecycle.runs.configuration import leave_service_out
from lifecycle.runs.errors import RunRefused
from lifecycle.runs.fetching import fetch
from lifecycle.runs.folder import RunFolder
from lifecycle.runs.following import follow
from lifecycle.runs.record import RunLeftover, RunRecord
from lifecycle.runs.run import EphemeralRun, Surroundings
from lifecycle.teardown.subject import Subject, read_subject

NOT_LOOKED_AT = "not looked at"
"""The kind of a leftover that may be there or not, because nobody could look."""


def go_on(folder: RunFolder, show: Show, *, unverified: bool = False) -> RunRecord:
    """Does what is left of an admitted run whose lock the caller holds; its record. Raises EngineError.

    :param unverified: Whether the stack may be destroyed although its artifacts cannot be brought and verified.
    """
    return EphemeralRun(folder, surroundings(folder, show), unverified=unverified).go_on()


@contextmanager
def taken_up(folder: RunFolder) -> Iterator[RunRecord]:
    """Holds the run for the block, and notes that another process goes on with it. Raises RunLocked, RunRefused."""
    with folder.lock():
        record = folder.read()
        if record.is_over:
            raise RunRefused(f"run {record.id} is over already ({record.outcome}): there is nothing to go on with")
        yield folder.write(record.changed(resumed=record.resumed + 1))


def finish(folder: RunFolder, show: Show, *, give_up: str = "", unverified: bool = False) -> RunRecord:
    """Takes up a run that nobody works on and brings it to its end; its record. Raises EngineError.

    A run that has created nothing is only marked as stopped.

    :param give_up: Why it is not to train any more; what it has published is brought, then all is destroyed. Empty: it
        trains on.
    """
    with taken_up(folder) as record:
        if record.phase == "guard":
            reason = give_up or "it ended before anything was created"
            return folder.write(record.changed(phase="done", outcome="stopped", reason=reason, ended=record.updated))
        if record.phase == "up" and give_up:
            folder.write(record.changed(phase="fetch", outcome="stopped", reason=give_up))
        return go_on(folder, show, unverified=unverified)


def surroundings(
    folder: RunFolder,
    show: Show,
    caller: Callable[[Subject], str] = caller_of,
) -> Surroundings:
    """The world of a run: who deploys it, where it fetches from, what audits and follows it."""
    record = folder.read()
    config_file = str(folder.stack_file(record.stack))
    deployer = run_deployer(folder)(folder.directory, record.stack, config_file)
    return Surroundings(
        deployer=deployer,
        fetch=fetch,
        report=lambda each, outputs: reported(folder, each, outputs, deployer, show),
        audit=lambda each: audited(folder, each),
        leave_service_out=lambda each: leave_service_out(folder.directory, each.stack, folder.stack_file(each.stack)),
        check_account=lambda each: check_account(subject_of(folder, each), caller),
        show=show,
        follow=follow,
    )


def run_deployer(folder: RunFolder) -> Callable[[Path, str, str], Deployer]:
    """What makes the run's deployer of folder, stack and settings: its policy packs judge what it deploys."""
    return partial(deployer_for, policy_packs=[folder.directory / each for each in folder.read().policy_packs])


def subject_of(folder: RunFolder, record: RunRecord) -> Subject:
    """Whose stack the run's is, as its own configuration says. Raises EngineError."""
    return read_subject(folder.directory, record.stack, str(folder.stack_file(record.stack)))


def audited(folder: RunFolder, record: RunRecord) -> tuple[RunLeftover, ...]:
    """What is left of a run's destroyed stack, and what could not be looked at."""
    from lifecycle.teardown.audit import audit

    report = audit(subject_of(folder, record))
    left = tuple(RunLeftover(kind=each.kind, id=each.id, removal=tuple(each.removal)) for each in report.leftovers)
    return left + tuple(RunLeftover(kind=NOT_LOOKED_AT, id=problem) for problem in report.problems)


def reported(
    folder: RunFolder, record: RunRecord, outputs: dict[str, Any], deployer: Deployer, show: Show
) -> RunRecord:
    """The record with what interruptions have cost; it is put into the models bucket, too, if the stack has one.

    A stack that was stopped or has failed exports nothing; then its resources tell where that is. Neither is worth a
    run: what cannot be had is told.
    """
    from lifecycle.runs.history import publish_record, with_spot_report

    try:
        resources = deployer.resources()
        if not resources:
            return record
        record = with_spot_report(record, outputs, folder, resources)
        publish_record(record, outputs, folder, resources)
    except EngineError as error:
        show(f"run {record.id}: {error}")
    return record
