"""`yard destroy`: deletes everything that a stack holds, last things first, and looks whether anything is left."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deploying import Options, confirm, deploy, has_changes, status_of
from cli.destroy_guard import pass_guard, require_known
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.pulumi_command import hand_over, needs_plugins
from engine.session import Host

Override = Annotated[
    list[str] | None,
    typer.Option(
        "--override",
        metavar="NAME",
        help="Go ahead in spite of foreign-account, protected-stack or unverified-artifacts.",
    ),
]


def destroy(
    context: typer.Context,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    yes: options.Yes = False,
    diff: options.Diff = False,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
    override: Override = None,
    audit: Annotated[bool, typer.Option("--audit/--no-audit", help="Look afterwards for what is left.")] = True,
) -> int:
    """Delete all resources of a stack. Its state file, history and settings stay.

    Then look for what is left: where anything is, the command ends with exit code 9 and tells how to remove it.
    """
    overrides = require_known(override or [])
    folder = find_project_folder(directory)
    chosen = Options(folder, stack, diff, parallel=parallel, debug=debug)
    host: Host = context.obj or Host()
    with Host() as next_host:
        previewed = deploy(host, chosen, "destroy", dry_run=True)
        if previewed.outcome != "succeeded":
            return status_of(previewed)
        if has_changes(previewed):
            pass_guard(folder, stack, overrides)
            if needs_plugins(previewed):
                code = hand_over("destroy", chosen, yes=yes, plugins=previewed.plugins)
            else:
                confirm(f"Delete all of this from {stack}? It cannot be undone.", yes=yes)
                code = status_of(deploy(next_host, chosen, "destroy", dry_run=False))
            if code != ExitStatus.SUCCESS:
                return code
    return _audited(folder, stack) if audit else ExitStatus.SUCCESS


def _audited(folder: Path, stack: str) -> ExitStatus:
    from cli.audit import audit_after_destroy
    from lifecycle.teardown.subject import read_subject

    return audit_after_destroy(read_subject(folder, stack))
