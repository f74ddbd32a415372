"""How a run begins: one at a time of a stack, behind a guard that looks at everything before anything is created."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.project import load_project
from engine.stack_settings import load_stack_settings, resolve_config
from lifecycle.caller import caller_of
from lifecycle.deployer import Deployer, DeploymentResult, Show
from lifecycle.runs.account import check_account
from lifecycle.runs.budget import (
    WorstCase,
    budget_of,
    check_budget,
    check_cost,
    month_spend_usd,
    spending_unknown,
    worst_case,
)
from lifecycle.runs.configuration import RunLimits, write_run_configuration
from lifecycle.runs.errors import RunError, RunLocked, RunRefused
from lifecycle.runs.folder import RunFolder, held, list_runs, runs_folder
from lifecycle.runs.limits import expiry, reserve_minutes, training_minutes
from lifecycle.runs.record import RunCost, RunRecord, new_id, utc_text
from lifecycle.runs.record_content import plan_digest, settings_of
from lifecycle.runs.run import may_pass
from lifecycle.runs.tools import check_tools
from lifecycle.runs.versions import versions_of
from lifecycle.teardown.subject import Subject, read_subject

if TYPE_CHECKING:
    from planning.prices.book import PriceBook

MOST_HOURS = 168.0
"""A training may take a week: infra.workload_settings, max_runtime_minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user asks for."""

    stack: str
    max_hours: float
    max_cost_usd: float | None = None
    """US dollars; None: the worst case, which is shown and confirmed."""
    fetch: Path | None = None
    """Where to bring the artifacts; None: the run's own folder."""
    with_service: bool = False
    detached: bool = False
    policy_packs: tuple[Path, ...] = ()
    """Folders of policy packs."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard has found: the run may go on if its user wants that."""

    record: RunRecord
    worst: WorstCase
    creates: int
    """How many resources would be created."""


class PreviewFailed(RunError):
    """The preview of the run failed; `result` says of what."""

    def __init__(self, message: str, result: DeploymentResult) -> None:
        super().__init__(message)
        self.result = result


@contextmanager
def begun(directory: Path, wanted: Wanted, now: datetime | None = None) -> Iterator[RunFolder]:
    """Holds a new run, with its record, for the block; nothing else is created yet.

    Raises RunRefused for options that cannot be, RunLocked or RunRefused where the stack has another unfinished run.
    """
    now = now or datetime.now(UTC)
    project = load_project(directory)
    settings = load_stack_settings(project, wanted.stack)
    if not settings.file.is_file():
        raise RunRefused(f"--stack is {wanted.stack!r}: must be a stack with a file, and there is no {settings.file}")
    cloud = resolve_config(settings, None).values.get(f"{project.name}:cloud", "local")
    check_hours(wanted.max_hours, cloud)
    runs = runs_folder(project.folder)
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = RunFolder(runs / new_id(now))
    record = RunRecord(
        id=folder.id,
        project=project.name,
        stack=wanted.stack,
        cloud=cloud,
        created=utc_text(now),
        updated=utc_text(now),
        max_hours=wanted.max_hours,
        max_cost_usd=wanted.max_cost_usd or 0.0,
        wanted_cost_usd=wanted.max_cost_usd,
        expires_at=utc_text(expiry(now, wanted.max_hours)),
        artifacts_dir=str((wanted.fetch or folder.artifacts).absolute()),
        with_service=wanted.with_service,
        detached=wanted.detached,
        policy_packs=tuple(_from(project.folder.resolve(), pack.resolve()) for pack in wanted.policy_packs),
    )
    with ExitStack() as kept:
        with held(runs / f".{wanted.stack}.lock", f"a run of stack {wanted.stack} is being made by process {{pid}}"):
            refuse_second_run(project.folder, wanted.stack)
            # Held before anybody can see it: what nobody holds at this stage gives way to others.
            kept.enter_context(folder.lock())
            folder.write(record)
        yield folder


def _from(folder: Path, path: Path) -> str:
    """A path as a record keeps it: a run may be gone on with where the project lies elsewhere."""
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def check_hours(hours: float, cloud: str) -> None:
    """Raises RunRefused for a longest time that no training fits into. Pure."""
    reserve = reserve_minutes(cloud)
    least = 0.0 if cloud == "local" else (reserve + 1) / 60
    if not least < hours <= MOST_HOURS:
        why = "" if cloud == "local" else f" on {cloud}, where {reserve} minutes are for making and removing the stack"
        raise RunRefused(f"--max-hours is {hours:g}: must be more than {least:.2g} and at most {MOST_HOURS:g}{why}")


def refuse_second_run(directory: Path, stack: str) -> None:
    """Raises RunLocked or RunRefused where the stack has an unfinished run; one that created nothing is removed."""
    for folder in list_runs(directory):
        record = folder.read()
        if record.stack != stack or record.is_over:
            continue
        if folder.is_locked():
            raise RunLocked(f"stack {stack} has a run that goes on, {record.id}: wait for its end, or stop it")
        if record.phase != "guard":
            raise RunRefused(
                f"stack {stack} has an unfinished run, {record.id} (next: {record.phase}): go on with it by "
                f"'yard train --resume {record.id}'"
            )
        discard(folder)


def discard(folder: RunFolder) -> None:
    """Removes a run that has created nothing."""
    shutil.rmtree(folder.path, ignore_errors=True)


def pass_guard(
    folder: RunFolder,
    deployer_for: Callable[[Path, str, str], Deployer],
    book: "PriceBook",
    *,
    asks: bool,
    show: Show,
    caller: Callable[[Subject], str] = caller_of,
) -> Guarded:
    """Looks at account, stack, plan and money; writes the run's configuration and nothing else.

    Raises RunRefused, PreviewFailed, EngineError, PlanningError; then nothing was created.

    :param asks: Whether a person confirms what is found.
    """
    record = folder.read()
    directory, stack, now = folder.directory, record.stack, datetime.now(UTC)
    # What was taken up again may have been made long ago.
    record = record.changed(expires_at=utc_text(expiry(now, record.max_hours)))
    limits = RunLimits(
        expires_at=record.expires_at,
        training_minutes=training_minutes(record.max_hours, record.cloud),
        with_service=record.with_service,
    )
    path = folder.stack_file(stack)
    write_run_configuration(directory, stack, path, limits)
    project = load_project(directory)
    config = resolve_config(load_stack_settings(project, stack, str(path)), None).values
    check_settings(config, record.project)
    check_account(read_subject(directory, stack, str(path)), caller)
    check_tools(record.cloud)
    deployer = deployer_for(directory, stack, str(path))
    if there := deployer.resources():
        raise RunRefused(
            f"stack {stack} holds {len(there)} resources already, and an ephemeral run destroys all of it in the end: "
            f"must hold nothing; take another stack, or: yard destroy -s {stack}"
        )
    show(f"run {record.id}: previewing stack {stack}")
    document = _previewed(deployer, show)
    worst = worst_case(document, book, record.max_hours)
    most = check_cost(worst, record.wanted_cost_usd, asks=asks)
    budget = budget_of(document)
    if budget is not None:
        spent = month_spend_usd(budget)
        check_budget(budget, spent, worst)
        if spent is None:
            show(spending_unknown(budget))
    if worst.usd_per_hour > 0:
        # Known only now: the training stops by itself, too, before it costs more.
        priced = RunLimits(
            expires_at=limits.expires_at,
            training_minutes=limits.training_minutes,
            with_service=limits.with_service,
            maximum_cost_usd=most,
            usd_per_hour=worst.usd_per_hour,
        )
        write_run_configuration(directory, stack, path, priced)
        document = _previewed(deployer, show)
    record = record.changed(
        max_cost_usd=most,
        settings=settings_of(document["config"]),
        versions=versions_of(directory),
        plan_sha256=plan_digest(document),
        cost=RunCost(usd_per_hour=worst.usd_per_hour, on_demand_usd_per_hour=worst.on_demand_usd_per_hour),
    )
    creates = sum(step["op"] == "create" for step in document["steps"])
    return Guarded(folder.write(record), worst, creates)


def admit(folder: RunFolder, record: RunRecord) -> RunRecord:
    """Lets a guarded run begin: from now on it is finished, whatever happens."""
    return folder.write(record.changed(phase="up"))


def check_settings(config: Mapping[str, str], project: str) -> None:
    """Raises RunRefused for a stack that no run can be made of. Pure.

    :param config: Resolved configuration: full keys to text, objects as JSON text.
    """
    if config.get(f"{project}:environment", "dev") != "dev":
        raise RunRefused(
            f"{project}:environment is {config[f'{project}:environment']}, whose resources are protected from "
            "deletion: must be dev for a stack that is destroyed after its training"
        )
    try:
        training = json.loads(config.get(f"{project}:training") or "{}")
    except ValueError:
        training = {}
    if isinstance(training, dict) and training.get("enabled", True) is False:
        raise RunRefused(f"{project}:training.enabled is false: must be true for a run that trains")


def _previewed(deployer: Deployer, show: Show) -> dict[str, Any]:
    planned = deployer.preview(show)
    if planned.result.cause == "program" and may_pass(planned.result):
        # Its process was killed, which says nothing of the stack.
        planned = deployer.preview(show)
    if not planned.result.succeeded:
        raise PreviewFailed("the preview failed; nothing was created", planned.result)
    return planned.document
