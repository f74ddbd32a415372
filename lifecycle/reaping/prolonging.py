"""Moves the expiry of a run or a stack: looks at what there is, asks what it costs, and writes the new moment."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.project import load_project
from engine.stack_settings import StackSettings, load_stack_settings, set_config
from lifecycle.deployer import Deployer, DeploymentResult, Show, deployer_for
from lifecycle.deployer_embedded import EmbeddedDeployer
from lifecycle.reaping.expired import NoMoment, moment_in
from lifecycle.reaping.extension import (
    CEILING_RULE,
    LIFETIME_RULE,
    Bounds,
    Extension,
    extend_run,
    extend_stack,
    new_moment,
)
from lifecycle.reaping.stacks import EXPIRES_AT
from lifecycle.runs.budget import budget_of, check_budget, month_spend_usd, spending_unknown, worst_case
from lifecycle.runs.errors import RunNotFound, RunRefused
from lifecycle.runs.folder import RunFolder, list_runs
from lifecycle.runs.limits import training_minutes
from lifecycle.runs.record import RunRecord
from lifecycle.teardown.state import read_state
from lifecycle.teardown.subject import Subject, read_subject

if TYPE_CHECKING:
    from planning.prices.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a user asks for: hours, or a moment."""

    stack: str
    hours: float | None = None
    until: datetime | None = None
    max_cost_usd: float | None = None
    """A run's new limit, in US dollars; None: the one that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An extension that is allowed, and not yet written."""

    extension: Extension
    subject: Subject
    run: RunFolder | None = None
    """The unfinished run that has made the stack; None: a stack of its own."""
    record: RunRecord | None = None
    """The run's record as it would be."""


def plan(directory: Path, wish: Wish, book: "PriceBook", *, show: Show, now: datetime | None = None) -> Planned:
    """Looks at everything that speaks against it; writes nothing.

    Raises RunRefused, RunNotFound where nothing is deployed, RunLocked, PlanningError and EngineError.
    """
    now = now or datetime.now(UTC)
    if (wish.hours is None) == (wish.until is None):
        raise RunRefused("--hours and --until: must be one of the two")
    subject = read_subject(directory, wish.stack)
    if subject.environment == "prod":
        raise RunRefused(f"stack {wish.stack} is prod: it is never reaped, so there is nothing to prolong")
    run = _unfinished_run(directory, wish.stack)
    if run is not None:
        return _plan_for_run(subject, run, wish, now)
    if wish.max_cost_usd is not None:
        raise RunRefused(f"--max-cost is for runs, and stack {wish.stack} has no unfinished one: must be left out")
    resources, outputs = read_state(subject)
    if not resources:
        raise RunNotFound(f"nothing is deployed in stack {wish.stack}: there is nothing to prolong")
    before = _expiry_of(subject, outputs)
    after = new_moment(before, now, hours=wish.hours, until=wish.until)
    show(f"previewing stack {wish.stack}, for what an hour costs")
    document = _previewed(subject, after, show)
    worst = worst_case(document, book, (after - now).total_seconds() / 3600)
    extension = extend_stack(before, now, after, worst.usd_per_hour, policy_bounds(directory, wish.stack))
    budget = budget_of(document)
    if budget is not None and after > before:
        spent = month_spend_usd(budget)
        check_budget(budget, spent, worst)
        if spent is None:
            show(spending_unknown(budget))
    return Planned(extension=extension, subject=subject)


def write(planned: Planned) -> Path:
    """Writes what was planned; the file that was changed. Raises RunLocked, RunRefused and EngineError.

    Only the moment, and a run's limits, are changed in it; comments and all else stay.
    """
    subject, text = planned.subject, planned.extension.text
    project = load_project(subject.directory)
    if planned.run is None or planned.record is None:
        settings = load_stack_settings(project, subject.stack)
        return set_config(settings, f"{project.name}:{EXPIRES_AT}", text).file
    with planned.run.lock():
        current = planned.run.read()
        if current.is_over or current.phase != planned.record.phase:
            raise RunRefused(f"run {current.id} has gone on meanwhile (next: {current.phase}): look again")
        # The record last: it says until when, and is believed.
        file = _write_limits(planned.run.stack_file(subject.stack), project.name, planned.record, subject)
        planned.run.write(planned.record)
    return file


def deploy(
    planned: Planned, show: Show, make_deployer: Callable[[Path, str], Deployer] = deployer_for
) -> DeploymentResult:
    """Deploys a stack with its new moment, so that tags and the cloud's own schedule follow. Raises EngineError."""
    return make_deployer(planned.subject.directory, planned.subject.stack).up(show)


def policy_bounds(directory: Path, stack: str) -> Bounds:
    """What the project's policies allow a stack; a rule that is not mandatory for it sets no bound.

    Raises RunRefused where the configuration of the stack's policies cannot be used.
    """
    from policies.catalogue import RULES
    from policies.configuration import ConfigurationError, read, settings
    from policies.dates import today

    folder = directory / "policies"
    if not folder.is_dir():
        return Bounds()
    try:
        found = settings(read(folder / "stacks" / f"{stack}.json"), RULES, today())
    except ConfigurationError as error:
        raise RunRefused(str(error)) from None
    ceiling, lifetime = found[CEILING_RULE], found[LIFETIME_RULE]
    most_days = float(lifetime.parameters["most_days"]) if lifetime.level == "mandatory" else 0.0
    return Bounds(
        ceiling_usd=float(ceiling.parameters["maximum_usd"]) if ceiling.level == "mandatory" else None,
        most_days=most_days or None,
    )


def _unfinished_run(directory: Path, stack: str) -> RunFolder | None:
    for folder in list_runs(directory):
        record = folder.read()
        if record.stack == stack and not record.is_over and record.phase != "guard":
            return folder
    return None


def _plan_for_run(subject: Subject, run: RunFolder, wish: Wish, now: datetime) -> Planned:
    record = run.read()
    if run.is_locked():
        raise RunRefused(
            f"a process works on run {record.id}, and keeps to the limits that it has begun with: must be a run that "
            "nobody works on"
        )
    if record.phase != "up":
        raise RunRefused(
            f"run {record.id} does not train any more (next: {record.phase}): yard train --resume {record.id}"
        )
    before = moment_in(record.expires_at)
    after = new_moment(before, now, hours=wish.hours, until=wish.until)
    bounds = policy_bounds(subject.directory, subject.stack)
    extended, extension = extend_run(record, now, after, bounds, wish.max_cost_usd)
    return Planned(extension=extension, subject=subject, run=run, record=extended)


def _expiry_of(subject: Subject, outputs: Mapping[str, Any]) -> datetime:
    """When a stack may go, as it is deployed, or else as its file says. Raises RunRefused where neither does."""
    project = load_project(subject.directory)
    settings = load_stack_settings(project, subject.stack)
    value = outputs.get(EXPIRES_AT) or settings.config.get(f"{project.name}:{EXPIRES_AT}")
    if not value:
        raise RunRefused(f"stack {subject.stack} has no {EXPIRES_AT}: it never expires, so there is nothing to prolong")
    try:
        return moment_in(value)
    except NoMoment as error:
        raise RunRefused(f"{EXPIRES_AT} of stack {subject.stack}: {error}") from None


def _previewed(subject: Subject, after: datetime, show: Show) -> dict[str, Any]:
    """The document of a preview with the new moment: one with an expiry that is over is refused by the program."""
    project = load_project(subject.directory)
    own = load_stack_settings(project, subject.stack).file
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, own.name)
        shutil.copyfile(own, copy)
        settings = load_stack_settings(project, subject.stack, str(copy))
        set_config(settings, f"{project.name}:{EXPIRES_AT}", after.isoformat().replace("+00:00", "Z"))
        planned = EmbeddedDeployer(subject.directory, subject.stack, str(copy)).preview(show)
    if not planned.result.succeeded:
        raise RunRefused(f"the preview failed, so nobody knows what an hour costs: {planned.result.reason}")
    return planned.document


def _write_limits(path: Path, project: str, record: RunRecord, subject: Subject) -> Path:
    """Sets what a longer run changes in its own configuration: as `lifecycle.runs.configuration` has set it before."""
    settings = load_stack_settings(load_project(subject.directory), subject.stack, str(path))
    training = dict(_object(settings, f"{project}:training"))
    training["max_runtime_minutes"] = training_minutes(record.max_hours, record.cloud)
    if record.cost.usd_per_hour > 0 and isinstance(training.get("limits"), dict):
        training["limits"] = {**training["limits"], "maximum_cost_usd": record.max_cost_usd}
    settings = set_config(settings, f"{project}:training", training)
    return set_config(settings, f"{project}:{EXPIRES_AT}", record.expires_at).file


def _object(settings: StackSettings, key: str) -> dict[str, Any]:
    value = settings.config.get(key) or {}
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, dict):
        raise RunRefused(f"{settings.file}: {key} is no object in clear text: must be one")
    return value
