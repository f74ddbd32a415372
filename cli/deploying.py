"""What `up`, `preview` and `destroy` share: one deployment, shown as it happens, and what its end means."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import typer

from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from cli.verdicts_files import VerdictFiles, recording
from engine.events import Event, Finished
from engine.session import Host, Request


@dataclass(frozen=True, slots=True)
class Options:
    """The options that all deployments take."""

    directory: Path
    stack: str
    diff: bool = False
    show_same: bool = False
    parallel: int = 16
    debug: bool = False
    policy_packs: list[Path] = field(default_factory=list)
    policy_configs: list[Path] = field(default_factory=list)
    message: str = ""
    verdicts: VerdictFiles = field(default_factory=VerdictFiles)


def deploy(
    host: Host, options: Options, action: Literal["update", "destroy"], *, dry_run: bool, shown: bool = True
) -> Finished:
    """Runs one deployment and shows it to a person, unless told not to; writes what policies say where asked for."""
    request = make_request(options, action, dry_run=dry_run)
    files, folder = options.verdicts, options.directory
    with recording(files, folder, options.stack, dry_run=dry_run, quiet=not shown) as note:
        return _shown(host, request, options, note) if shown else host.run(request, note)


def _shown(host: Host, request: Request, options: Options, note: Callable[[Event], None]) -> Finished:
    from engine.display import DisplayOptions, make_display

    display = make_display(
        DisplayOptions.for_stream(
            sys.stdout,
            action=request.action,
            dry_run=request.dry_run,
            stack=options.stack,
            diff=options.diff,
            show_same=options.show_same,
        )
    )

    def watch(event: Event) -> None:
        note(event)
        display.show(event)

    try:
        return host.run(request, watch)
    finally:
        display.close()


def make_request(
    options: Options, action: Literal["update", "destroy"], *, dry_run: bool, every_state: bool = False
) -> Request:
    """The request that the options come to."""
    return Request(
        action=action,
        dry_run=dry_run,
        directory=options.directory,
        stack=options.stack,
        parallel=options.parallel,
        # A policy objects to what stays the same too, and its state says where the program makes it.
        every_state=every_state or bool(options.verdicts),
        debug=options.debug,
        policy_packs=[path.resolve() for path in options.policy_packs],
        policy_configs=[path.resolve() for path in options.policy_configs],
        message=options.message,
    )


def status_of(finished: Finished) -> ExitStatus:
    """The exit code for how a deployment ended."""
    if finished.outcome == "succeeded":
        return ExitStatus.SUCCESS
    if finished.outcome == "cancelled":
        return ExitStatus.CANCELLED
    return OF_CAUSE.get(finished.cause, ExitStatus.ERROR)


def has_changes(finished: Finished) -> bool:
    """Whether anything but `same` was decided."""
    return any(count for operation, count in finished.changes.items() if operation not in ("same", "read"))


def confirm(question: str, *, yes: bool) -> None:
    """Asks, unless told not to. Raises CommandError where nobody can answer or the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask on: add --yes to go ahead", ExitStatus.CONFIGURATION)
    if not typer.confirm(question):
        raise CommandError("nothing was changed", ExitStatus.CANCELLED)
