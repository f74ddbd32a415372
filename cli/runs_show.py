"""`yard runs show ID`: the report of one run."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="Look into this stack's bucket, too.", show_default="this machine's runs")
]


def show(
    run: Annotated[str, typer.Argument(metavar="ID", help="The run, or how its name begins.", show_default=False)],
    stack: Stack = "",
    json: options.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    directory: options.Directory = Path(),
) -> int:
    """Show what a run was, what came of it, and what it cost.

    With interruptions, the work they cost, goodput, and dollars against the same hours on demand.
    """
    if json and markdown:
        raise CommandError("--json and --markdown exclude each other", ExitStatus.CONFIGURATION)
    from cli.runs_records import choose, find_records, tell_problems
    from lifecycle.runs.report import as_markdown, as_text

    found = find_records(find_project_folder(directory), stack)
    tell_problems(found)
    record = choose(found.records, run)
    if json:
        from cli.json_output import print_json

        print_json(record.model_dump(mode="json"))
    else:
        typer.echo(as_markdown(record) if markdown else as_text(record), nl=False)
    return ExitStatus.SUCCESS
