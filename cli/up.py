"""`yard up`: shows what would change, asks, and makes it so."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deploying import Options, confirm, deploy, has_changes, status_of
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.pulumi_command import hand_over, needs_plugins
from engine.session import Host


def up(
    context: typer.Context,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    yes: options.Yes = False,
    skip_preview: Annotated[bool, typer.Option("--skip-preview", "-f", help="Do not show a preview first.")] = False,
    diff: options.Diff = False,
    show_same: options.ShowSame = False,
    message: Annotated[str, typer.Option("--message", "-m", help="What the stack's history says of this.")] = "",
    policy_packs: options.PolicyPacks = None,
    policy_configs: options.PolicyConfigs = None,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
) -> int:
    """Create or update the resources of a stack."""
    folder = find_project_folder(directory)
    chosen = Options(folder, stack, diff, show_same, parallel, debug, policy_packs or [], policy_configs or [], message)
    host: Host = context.obj or Host()
    if skip_preview:
        return status_of(deploy(host, chosen, "update", dry_run=False))
    with Host() as next_host:
        previewed = deploy(host, chosen, "update", dry_run=True)
        if previewed.outcome != "succeeded":
            return status_of(previewed)
        if needs_plugins(previewed):
            return hand_over("up", chosen, yes=yes, plugins=previewed.plugins)
        if not has_changes(previewed) and not yes:
            return ExitStatus.SUCCESS
        confirm(f"Perform this update of {stack}?", yes=yes)
        return status_of(deploy(next_host, chosen, "update", dry_run=False))
