"""`yard reap`: brings expired runs and stacks to their end, and those that nobody works on any more."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder

if TYPE_CHECKING:
    from lifecycle.reaping.reap import ReapReport

UNVERIFIED = "unverified-artifacts"


def reap(
    stacks: Annotated[
        list[str] | None,
        typer.Option("--stack", "-s", help="Only this stack; may be given several times.", show_default="all"),
    ] = None,
    directory: options.Directory = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due, and do nothing.")] = False,
    fetch: Annotated[
        Path | None,
        typer.Option(
            "--fetch",
            metavar="DIR",
            help="Bring what expired stacks have trained here, before it is gone.",
            file_okay=False,
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--override", metavar="NAME", help=f"Go ahead although: {UNVERIFIED}."),
    ] = None,
    json: options.Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    yes: options.Yes = False,
) -> int:
    """Destroy what has expired, one at a time."""
    if json and markdown:
        raise CommandError("--json and --markdown: one of them only", ExitStatus.CONFIGURATION)
    if wrong := [name for name in overrides or [] if name != UNVERIFIED]:
        raise CommandError(
            f"--override is {wrong[0]!r}: must be {UNVERIFIED}; what else is in the way, 'yard destroy' overrides",
            ExitStatus.CONFIGURATION,
        )
    folder = find_project_folder(directory)
    report = _reaped(folder, stacks or [], overrides or [], fetch, dry_run=dry_run, yes=yes)
    _print(report, json=json, markdown=markdown)
    if dry_run:
        return ExitStatus.SUCCESS
    if not report.is_done:
        return ExitStatus.ERROR
    return ExitStatus.LEFTOVERS if report.has_leftovers else ExitStatus.SUCCESS


def _reaped(
    folder: Path, stacks: list[str], overrides: list[str], fetch: Path | None, *, dry_run: bool, yes: bool
) -> "ReapReport":
    from cli.deploying import confirm
    from engine.project import load_project
    from lifecycle.reaping.reap import look, reap
    from lifecycle.reaping.stacks import World

    project = load_project(folder)
    if unknown := [each for each in stacks if not project.stack_file(each).is_file()]:
        raise CommandError(
            f"--stack is {unknown[0]!r}: there is no {project.stack_file(unknown[0])}", ExitStatus.STACK_NOT_FOUND
        )
    world = World()
    report = look(folder, stacks, world)
    if dry_run or not report.findings.due:
        return report.as_dry_run() if dry_run else report
    for due in report.findings.due:
        _say(f"due: {due.kind} {due.name} of stack {due.stack}: {due.why}")
    confirm("Bring all of this to its end, and destroy the stacks?", yes=yes)
    return reap(folder, report, world, show=_say, overrides=overrides, fetch_to=fetch.absolute() if fetch else None)


def _print(report: "ReapReport", *, json: bool, markdown: bool) -> None:
    from cli.reap_report import report_document, report_lines, report_markdown

    if json:
        from cli.json_output import print_json

        print_json(report_document(report))
    elif markdown:
        typer.echo(report_markdown(report))
    else:
        for line in report_lines(report):
            typer.echo(line)


def _say(text: str) -> None:
    """Progress; standard output is the report's."""
    typer.echo(text, err=True)
