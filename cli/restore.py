"""`yard restore`: puts a stack's newest good backup in the place of a damaged state file."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deploying import confirm
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from engine.file_backend import FileBackend
from engine.lock import StackLock
from engine.project import load_project
from engine.state_location import find_state_folder


def restore(
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    backup: Annotated[Path | None, typer.Argument(help="The backup; by default the newest good one.")] = None,
    yes: options.Yes = False,
) -> int:
    """Put a backup in the place of a damaged state file.

    The damaged one stays beside it as `.damaged`.
    """
    project = load_project(find_project_folder(directory))
    backend = FileBackend(find_state_folder(project), project.name)
    if backup is None:
        _newest_good_backup(backend, stack)
    with StackLock(backend.folder, project.name, stack):
        # Asked again: whoever held the lock may have made a newer one.
        chosen = backup or _newest_good_backup(backend, stack)
        target = backend.state_file(stack)
        confirm(f"Replace {target} by {chosen}?", yes=yes)
        kept = backend.restore(stack, chosen)
    typer.echo(f"{target} is {chosen} again" + (f"; what it was is now {kept}" if kept else ""))
    return ExitStatus.SUCCESS


def _newest_good_backup(backend: FileBackend, stack: str) -> Path:
    chosen = backend.newest_good_backup(stack)
    if chosen is None:
        raise CommandError(f"there is no good backup of stack {stack}", ExitStatus.STACK_NOT_FOUND)
    return chosen
