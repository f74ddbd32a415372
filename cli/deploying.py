"""What `up`, `preview` and `destroy` share: one deployment, shown as it happens, and what its end means."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import typer

from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from engine.events import Finished
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


def deploy(
    host: Host, options: Options, action: Literal["update", "destroy"], *, dry_run: bool, shown: bool = True
) -> Finished:
    """Runs one deployment and shows it to a person, unless told not to."""
    from engine.display import DisplayOptions, make_display

    request = make_request(options, action, dry_run=dry_run)
    if not shown:
        return host.run(request, lambda event: None)
    display = make_display(
        DisplayOptions.for_stream(
            sys.stdout,
            action=action,
            dry_run=dry_run,
            stack=options.stack,
            diff=options.diff,
            show_same=options.show_same,
        )
    )
    try:
        return host.run(request, display.show)
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
        every_state=every_state,
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
