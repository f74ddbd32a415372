"""`yard destroy`: deletes everything that a stack holds, last things first."""

from pathlib import Path

import typer

from cli import options
from cli.deploying import Options, confirm, deploy, has_changes, status_of
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.pulumi_command import hand_over, needs_plugins
from engine.session import Host


def destroy(
    context: typer.Context,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    yes: options.Yes = False,
    diff: options.Diff = False,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
) -> int:
    """Delete all resources of a stack. Its state file, history and settings stay."""
    folder = find_project_folder(directory)
    chosen = Options(folder, stack, diff, parallel=parallel, debug=debug)
    host: Host = context.obj or Host()
    with Host() as next_host:
        previewed = deploy(host, chosen, "destroy", dry_run=True)
        if previewed.outcome != "succeeded":
            return status_of(previewed)
        if not has_changes(previewed):
            return ExitStatus.SUCCESS
        if needs_plugins(previewed):
            return hand_over("destroy", chosen, yes=yes, plugins=previewed.plugins)
        confirm(f"Delete all of this from {stack}? It cannot be undone.", yes=yes)
        return status_of(deploy(next_host, chosen, "destroy", dry_run=False))
