"""`yard output`: prints what a stack has exported."""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from engine import values
from engine.stack_outputs import read_outputs


def output(
    name: Annotated[str, typer.Argument(help="One output; all of them where none is named.")] = "",
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    json: Annotated[bool, typer.Option("--json", "-j", help="Print JSON.")] = False,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Print secrets in the clear.")] = False,
) -> int:
    """Print the outputs of a stack."""
    outputs = read_outputs(find_project_folder(directory), stack)
    shown = values.blind(values.strip_secrets(outputs) if show_secrets else outputs)
    if json:
        shown = values.as_json(shown)
    if name:
        if name not in shown:
            known = ", ".join(sorted(shown)) or "none"
            raise CommandError(f"stack {stack} has no output {name!r}; it has: {known}", ExitStatus.CONFIGURATION)
        value = shown[name]
        typer.echo(json_format.dumps(value, indent=2) if json or not isinstance(value, str) else value)
    elif json:
        typer.echo(json_format.dumps(shown, indent=2))
    elif not shown:
        typer.echo(f"stack {stack} has no outputs yet", err=True)
    else:
        width = max(map(len, shown), default=0)
        for key in sorted(shown):
            value = shown[key]
            typer.echo(f"{key:<{width}}  {value if isinstance(value, str) else json_format.dumps(value)}")
    return ExitStatus.SUCCESS
