"""`yard cancel`: removes the locks of a stack, for when their owner is known to be gone."""

from pathlib import Path

import typer

from cli import options
from cli.deploying import confirm
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from engine.file_backend import FileBackend
from engine.lock import lock_files, read_lock
from engine.project import load_project
from engine.stack_existence import require_stack
from engine.stack_settings import load_stack_settings
from engine.state_location import find_state_folder


def cancel(
    stack: options.Stack = options.DEFAULT_STACK, directory: options.Directory = Path(), yes: options.Yes = False
) -> int:
    """Remove the locks of a stack. A dead owner's lock on this machine needs no help: the next run takes it over."""
    project = load_project(find_project_folder(directory))
    backend = FileBackend(find_state_folder(project), project.name)
    files = lock_files(backend.folder, project.name, stack)
    if not files:
        require_stack(load_stack_settings(project, stack), backend)
        typer.echo(f"stack {stack} is not locked")
        return ExitStatus.SUCCESS
    for file in files:
        try:
            typer.echo(f"locked by {read_lock(file)}")
        except (FileNotFoundError, ValueError):
            typer.echo(f"locked by {file}")
    confirm(f"Remove {'this lock' if len(files) == 1 else 'these locks'}? Two runs at once damage the state.", yes=yes)
    for file in files:
        file.unlink(missing_ok=True)
    typer.echo(f"stack {stack} is not locked any more")
    return ExitStatus.SUCCESS
