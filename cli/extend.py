"""`yard extend`: moves the moment from which on a run or a stack may be reaped, as far as the policies let it cost."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from lifecycle.reaping.prolonging import Planned


def extend(
    stack: options.Stack,
    directory: options.Directory = Path(),
    hours: Annotated[
        float | None, typer.Option("--hours", help="So much later; from now on where it has expired.")
    ] = None,
    until: Annotated[
        str, typer.Option("--until", metavar="MOMENT", help="With its zone, such as 2027-03-31T18:00:00Z.")
    ] = "",
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", metavar="USD", min=0, help="The most that the whole run may cost.")
    ] = None,
    up: Annotated[
        bool, typer.Option("--up/--no-up", help="Deploy it, so that tags and the cloud's schedule follow.")
    ] = True,
    yes: options.Yes = False,
) -> int:
    """Let a stack or a run live longer."""
    from lifecycle.reaping.prolonging import Wish, deploy, plan, write
    from lifecycle.runs.errors import RunLocked, RunNotFound, RunRefused
    from planning.prices.refreshed import project_book

    folder = find_project_folder(directory)
    wish = Wish(stack=stack, hours=hours, until=_moment(until), max_cost_usd=max_cost)
    try:
        planned = plan(folder, wish, project_book(folder), show=_say)
        _confirm(planned, stack, up=up, yes=yes)
        file = write(planned)
    except RunNotFound as error:
        raise CommandError(str(error), ExitStatus.STACK_NOT_FOUND) from None
    except RunRefused as error:
        raise CommandError(str(error), ExitStatus.CONFIGURATION) from None
    except RunLocked as error:
        raise CommandError(str(error), ExitStatus.ERROR) from None
    typer.echo(f"{file}: expires_at is {planned.extension.text}")
    if planned.run is not None:
        typer.echo(f"To go on with the run: yard train --resume {planned.run.id}")
        return ExitStatus.SUCCESS
    if not up:
        typer.echo(f"Until it is deployed, the stack keeps its old moment: {_up_command(planned)}")
        return ExitStatus.SUCCESS
    result = deploy(planned, _say)
    if result.succeeded:
        return ExitStatus.SUCCESS
    typer.echo(f"yard: the new moment is written and not deployed: {result.reason or result.outcome}", err=True)
    typer.echo(f"yard: until then the stack keeps its old one; to deploy it: {_up_command(planned)}", err=True)
    return ExitStatus.CANCELLED if result.outcome == "cancelled" else OF_CAUSE.get(result.cause, ExitStatus.ERROR)


def _moment(text: str) -> datetime | None:
    from lifecycle.reaping.expired import NoMoment, moment_in

    try:
        return moment_in(text) if text else None
    except NoMoment as error:
        raise CommandError(f"--until: {error}", ExitStatus.CONFIGURATION) from None


def _confirm(planned: "Planned", stack: str, *, up: bool, yes: bool) -> None:
    from cli.deploying import confirm
    from lifecycle.runs.record import utc_text

    extension = planned.extension
    what = f"stack {stack}" if planned.run is None else f"run {planned.run.id} of stack {stack}"
    _say(f"{what}: expires at {utc_text(extension.before)}, would at {extension.text}")
    _say(f"  {extension.hours:.4g} h from now, which may cost {extension.usd:.2f} USD at full size")
    also = " and deploy it" if up and planned.run is None else ""
    confirm(f"Write it{also}?", yes=yes)


def _up_command(planned: "Planned") -> str:
    tool = "yard" if planned.subject.cloud == "local" else "pulumi"
    return f"{tool} up -s {planned.subject.stack}"


def _say(text: str) -> None:
    """Progress; standard output is for what was done."""
    typer.echo(text, err=True)
