"""`yard render`: writes the Kubernetes objects of a stack as YAML, with no cluster, no credential and no network."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.deploying import Options, make_request, status_of
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from engine.events import Diagnostic, Event, Severity
from engine.session import Host

if TYPE_CHECKING:
    from cli.render_files import RenderedFile


def render(
    context: typer.Context,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A folder that is empty, does not exist yet, or has what an earlier render wrote."
        ),
    ],
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    json: options.Json = False,
) -> int:
    """Write a stack's Kubernetes objects as YAML.

    They are in the order to apply them in. Needs no cluster, no credentials and no network. docs/rendering.md tells
    what is left out.
    """
    from cli.render_files import rendered_files
    from cli.render_folder import check_folder, replace_folder
    from cli.render_order import in_apply_order

    folder = find_project_folder(directory)
    target = target.resolve()
    check_folder(target)
    host: Host = context.obj or Host()
    events: list[Event] = []
    finished = host.run(make_request(Options(folder, stack), "update", dry_run=True, every_state=True), events.append)
    if finished.outcome != "succeeded":
        _show_preview(events, stack)
        return status_of(finished)
    for event in events:
        if isinstance(event, Diagnostic) and event.severity == Severity.WARNING:
            typer.echo(f"warning: {event.message.rstrip()}", err=True)
    objects = in_apply_order(events)
    if not objects:
        raise CommandError(f"stack {stack} has no Kubernetes objects: nothing was written", ExitStatus.CONFIGURATION)
    files = rendered_files(objects)
    replace_folder(target, {file.path: file.text for file in files})
    if json:
        _print_json(stack, target, files)
    else:
        _print_table(stack, target, files)
    return ExitStatus.SUCCESS


def _show_preview(events: Sequence[Event], stack: str) -> None:
    """Shows a preview that failed as `yard preview` would have, on standard error."""
    from engine.display import DisplayOptions, make_display

    display = make_display(
        DisplayOptions.for_stream(sys.stderr, action="update", dry_run=True, stack=stack), stream=sys.stderr
    )
    for event in events:
        display.show(event)
    display.close()


def _print_json(stack: str, folder: Path, files: Sequence["RenderedFile"]) -> None:
    from cli.json_output import print_json

    print_json(
        {
            "stack": stack,
            "folder": str(folder),
            "files": [
                {
                    "file": file.path,
                    "apiVersion": file.source.inputs.get("apiVersion", ""),
                    "kind": file.source.kind,
                    "namespace": file.source.namespace,
                    "name": file.source.name,
                    "unknown": file.gaps.unknown,
                    "secret": file.gaps.secret,
                    **({"command": file.command} if file.command else {}),
                }
                for file in files
            ],
        }
    )


def _print_table(stack: str, folder: Path, files: Sequence["RenderedFile"]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cli.tables import print_whole, say
    from engine.display_text import counted

    console = Console(highlight=False, soft_wrap=False)
    charts = [file for file in files if file.command]
    what = counted(len(files) - len(charts), "object") + (f" and {counted(len(charts), 'chart')}" if charts else "")
    say(console, f"{what} of {stack}, written to {folder}")
    console.print()
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("file", "kind", "namespace", "name"):
        table.add_column(title)
    for file in files:
        table.add_row(file.path, file.source.kind, file.source.namespace, file.source.name)
    print_whole(console, table)
    for title, gaps in (
        ("Not known before `up`; a placeholder stands there:", [(f.path, f.gaps.unknown) for f in files]),
        ("Secret; a placeholder stands there:", [(f.path, f.gaps.secret) for f in files]),
    ):
        lines = [f"  {path}: {place}" for path, places in gaps for place in places]
        for line in [title, *lines] if lines else []:
            say(console, line)
    if charts:
        say(console, "Charts, to be installed when their number comes:")
        for file in charts:
            say(console, f"  {file.command}")
