"""`yard runs`: the ephemeral runs that there were, one of them in full, and several side by side."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options, runs_compare, runs_list, runs_show
from cli.errors import CommandError
from cli.exit_status import ExitStatus

app = typer.Typer(help="Past ephemeral runs: list, show, compare.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    stack: Annotated[str, runs_list.STACK] = "",
    json: options.Json = False,
    directory: options.Directory = Path(),
) -> int:
    """List the ephemeral runs of this project, as `yard runs list` does."""
    if context.invoked_subcommand is not None:
        if stack or json:
            given = "--stack" if stack else "--json"
            raise CommandError(f"{given} belongs behind {context.invoked_subcommand}", ExitStatus.CONFIGURATION)
        return ExitStatus.SUCCESS
    return runs_list.list_runs(stack=stack, json=json, directory=directory)


app.command("list")(runs_list.list_runs)
app.command("show")(runs_show.show)
app.command("compare")(runs_compare.compare)
