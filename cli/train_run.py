"""`yard train -s STACK`: one ephemeral run, from nothing to verified artifacts and back to nothing.

docs/ephemeral-runs.md says what it does and how it survives its own death.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from cli.project_folder import find_project_folder
from cli.train_signals import HandedOver, run_signals
from lifecycle.runs.errors import RunError, RunLocked, RunNotFound, RunRefused

if TYPE_CHECKING:
    from lifecycle.deployer import DeploymentResult, Show
    from lifecycle.runs.beginning import Guarded, Wanted
    from lifecycle.runs.folder import RunFolder
    from lifecycle.runs.record import RunRecord

DEFAULT_HOURS = 2.0
UNVERIFIED = "unverified-artifacts"
"""What `--override` names to give up artifacts that cannot be verified, as `yard destroy` calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line says."""

    directory: Path
    stack: str
    max_hours: float
    max_cost: float | None
    fetch: Path | None
    with_service: bool
    policy_packs: tuple[Path, ...]
    detach: bool
    yes: bool
    overrides: tuple[str, ...]


def begin_run(options: RunOptions) -> int:
    """Begins a run and, unless it is detached, brings it to its end."""
    from lifecycle.runs.beginning import Wanted, begun

    project = find_project_folder(options.directory)
    _check(options)
    wanted = Wanted(
        stack=options.stack,
        max_hours=options.max_hours,
        max_cost_usd=options.max_cost,
        fetch=options.fetch,
        with_service=options.with_service,
        policy_packs=options.policy_packs,
        detached=options.detach,
    )
    with _errors():
        if options.detach and _is_in_a_cloud(project, options.stack):
            return _start_in_ci(project, wanted)
        with begun(project, wanted) as folder:
            _guard(folder, options)
            if not options.detach:
                return _go_on(folder, options)
        return _detach(folder, options)


def resume_run(options: RunOptions, run_id: str) -> int:
    """Goes on with an unfinished run, in this process or detached."""
    from lifecycle.runs.going_on import taken_up

    project = find_project_folder(options.directory)
    _check(options)
    with _errors():
        folder = _unfinished(project, run_id)
        with taken_up(folder) as record:
            if record.phase == "guard":
                _guard(folder, options)
            if not options.detach:
                return _go_on(folder, options)
        return _detach(folder, options)


def _check(options: RunOptions) -> None:
    if unknown := [name for name in options.overrides if name != UNVERIFIED]:
        raise CommandError(f"--override is {unknown[0]!r}: must be {UNVERIFIED}", ExitStatus.CONFIGURATION)
    if options.max_cost is not None and options.max_cost < 0:
        raise CommandError(f"--max-cost is {options.max_cost:g}: must be 0 or more", ExitStatus.CONFIGURATION)


def _unfinished(project: Path, run_id: str) -> "RunFolder":
    """The run of that name; without one, the only unfinished one. Raises CommandError, RunNotFound."""
    from lifecycle.runs.folder import list_runs, run_folder

    if run_id:
        return run_folder(project, run_id)
    found = [(folder, record) for folder in list_runs(project) if not (record := folder.read()).is_over]
    if len(found) == 1:
        return found[0][0]
    if not found:
        raise CommandError("there is no unfinished run to go on with", ExitStatus.STACK_NOT_FOUND)
    lines = [
        f"  {record.id}  stack {record.stack}, next: {record.phase}{', goes on now' if folder.is_locked() else ''}"
        for folder, record in found
    ]
    raise CommandError(
        "\n".join(["there are several unfinished runs: say which, --resume ID", *lines]), ExitStatus.CONFIGURATION
    )


def _guard(folder: "RunFolder", options: RunOptions) -> None:
    """Passes the guard and asks; a run that is refused leaves nothing."""
    from lifecycle.runs.beginning import admit, discard, pass_guard
    from lifecycle.runs.going_on import run_deployer
    from planning.prices.refreshed import project_book

    show = _shower()
    try:
        guarded = pass_guard(
            folder, run_deployer(folder), project_book(folder.directory), asks=not options.yes, show=show
        )
        for line in _told(guarded):
            show(line)
        _confirm(guarded.record, options)
    except BaseException:
        discard(folder)
        raise
    admit(folder, guarded.record)


def _told(guarded: "Guarded") -> Iterator[str]:
    """What a person has to know before anything is created."""
    record, worst = guarded.record, guarded.worst
    yield f"run {record.id} of stack {record.stack} ({record.cloud}): {guarded.creates} resources would be created"
    cost = f"{worst.usd:.2f} USD at most ({worst.usd_per_hour:.4f} an hour at full size)"
    incomplete = "" if worst.complete else "; not everything has a price: yard cost tells what has none"
    yield f"  at most {record.max_hours:g} h, {cost}{incomplete}; it may cost {record.max_cost_usd:.2f} USD"
    yield f"  expires {record.expires_at}; from then on anybody may destroy it (yard reap)"
    yield f"  what it has trained will be in clear text in {record.artifacts_dir}; then all of the stack is destroyed"


def _confirm(record: "RunRecord", options: RunOptions) -> None:
    from cli.deploying import confirm

    confirm(f"Run it, and destroy stack {record.stack} afterwards?", yes=options.yes)


def _go_on(folder: "RunFolder", options: RunOptions) -> int:
    from lifecycle.runs.going_on import go_on

    try:
        with run_signals():
            record = go_on(folder, _shower(), unverified=UNVERIFIED in options.overrides)
    except (KeyboardInterrupt, HandedOver):
        raise CommandError(
            f"stopped; something may still be deployed, so go on with it: yard train --resume {folder.id}",
            ExitStatus.CANCELLED,
        ) from None
    _tell_end(record)
    return status_of(record)


def _tell_end(record: "RunRecord") -> None:
    cost = f", {record.cost.usd:.2f} USD" if record.cost.usd_per_hour else ""
    minutes = record.cost.seconds / 60
    reason = f": {record.reason.splitlines()[0]}" if record.reason and record.outcome != "succeeded" else ""
    typer.echo(f"run {record.id} {record.outcome}{reason} ({minutes:.1f} min{cost})", err=record.outcome != "succeeded")
    if record.artifacts_verified:
        for artifact in record.artifacts:
            typer.echo(f"{Path(record.artifacts_dir, artifact.name)}  {artifact.bytes:,} bytes  {artifact.sha256}")
    for left in record.leftovers:
        typer.echo(f"left: {left.kind} {left.id}", err=True)
        for line in left.removal:
            typer.echo(f"  {line}", err=True)


def status_of(record: "RunRecord") -> ExitStatus:
    """The exit code for how a run ended; what is left over counts before everything else."""
    if record.leftovers:
        return ExitStatus.LEFTOVERS
    match record.outcome:
        case "succeeded":
            return ExitStatus.SUCCESS
        case "stopped":
            return ExitStatus.CANCELLED
        case _:
            return OF_CAUSE.get(record.cause, ExitStatus.ERROR)


def _detach(folder: "RunFolder", options: RunOptions) -> int:
    from lifecycle.runs.detached import start_detached, yard_command

    overrides = [part for name in options.overrides for part in ("--override", name)]
    pid = start_detached(folder, yard_command(), options=overrides)
    typer.echo(f"run {folder.id} goes on in process {pid}; its log is {folder.log}")
    typer.echo(f"how it stands: yard runs show {folder.id}; if it is killed: yard train --resume {folder.id}")
    return ExitStatus.SUCCESS


def _is_in_a_cloud(project: Path, stack: str) -> bool:
    from lifecycle.deployer import cloud_of

    return cloud_of(project, stack) != "local"


def _start_in_ci(project: Path, wanted: "Wanted") -> int:
    from lifecycle.runs.detached import start_workflow, workflow_command

    start_workflow(
        project,
        workflow_command(wanted.stack, wanted.max_hours, wanted.max_cost_usd, with_service=wanted.with_service),
    )
    typer.echo(f"the run of stack {wanted.stack} is started in CI; to follow it: gh run watch")
    return ExitStatus.SUCCESS


def _shower() -> "Show":
    """Prints one line, whichever thread it comes from; a reader that has gone away does not end the run."""
    printing = threading.Lock()

    def show(line: str) -> None:
        with printing:
            try:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            except BrokenPipeError:
                return

    return show


@contextmanager
def _errors() -> Iterator[None]:
    """Turns the errors of runs into those of commands, each with its exit code."""
    from lifecycle.runs.beginning import PreviewFailed

    try:
        yield
    except PreviewFailed as error:
        raise CommandError(str(error), _status_of_result(error.result)) from None
    except RunNotFound as error:
        raise CommandError(str(error), ExitStatus.STACK_NOT_FOUND) from None
    except RunRefused as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    except RunLocked as error:
        raise CommandError(str(error), ExitStatus.ERROR) from None
    except RunError as error:
        raise CommandError(str(error), ExitStatus.ERROR) from None


def _status_of_result(result: "DeploymentResult") -> ExitStatus:
    if result.outcome == "cancelled":
        return ExitStatus.CANCELLED
    return OF_CAUSE.get(result.cause, ExitStatus.ERROR)
