"""`yard up`: shows what would change, asks, and makes it so."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deploying import Options, confirm, deploy, has_changes, status_of
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.pulumi_command import hand_over, needs_plugins
from cli.verdicts_files import VerdictFiles
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
    sarif: options.Sarif = None,
    junit: options.Junit = None,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
) -> int:
    """Create or update the resources of a stack."""
    folder = find_project_folder(directory)
    verdicts = VerdictFiles(sarif, junit)
    verdicts.check(folder, policy_packs or [], policy_configs or [])
    chosen = Options(
        folder,
        stack,
        diff,
        show_same,
        parallel,
        debug,
        policy_packs or [],
        policy_configs or [],
        message,
        verdicts,
    )
    host: Host = context.obj or Host()
    with Host() as next_host:
        # Only a preview tells whether the stack needs plugins; one that fails is left to the update to tell of.
        previewed = deploy(host, chosen, "update", dry_run=True, shown=not skip_preview)
        if previewed.outcome == "cancelled" and skip_preview:
            raise CommandError("stopped; nothing was changed", ExitStatus.CANCELLED)
        if previewed.outcome != "succeeded" and not skip_preview:
            return status_of(previewed)
        if needs_plugins(previewed):
            return hand_over("up", chosen, yes=yes, skip_preview=skip_preview, plugins=previewed.plugins)
        if not skip_preview:
            if not has_changes(previewed) and not yes:
                return ExitStatus.SUCCESS
            confirm(f"Perform this update of {stack}?", yes=yes)
        return status_of(deploy(next_host, chosen, "update", dry_run=False))
