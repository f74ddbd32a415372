"""`yard preview`: shows what `up` would change. It needs no credential, no plugin, no passphrase and no network."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.deploying import Options, deploy, has_changes, make_request, status_of
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.verdicts_files import VerdictFiles, recording
from engine.events import Event, Finished
from engine.session import Host


def preview(
    context: typer.Context,
    stack: options.Stack = options.DEFAULT_STACK,
    directory: options.Directory = Path(),
    diff: options.Diff = False,
    show_same: options.ShowSame = False,
    json: Annotated[bool, typer.Option("--json", "-j", help="Print the document of `pulumi preview --json`.")] = False,
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help="Make any difference an error (exit code 7).")
    ] = False,
    policy_packs: options.PolicyPacks = None,
    policy_configs: options.PolicyConfigs = None,
    sarif: options.Sarif = None,
    junit: options.Junit = None,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
) -> int:
    """Show what `up` would change, and change nothing."""
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
        verdicts=verdicts,
    )
    host: Host = context.obj or Host()
    finished = _print_document(host, chosen) if json else deploy(host, chosen, "update", dry_run=True)
    if finished.outcome == "succeeded" and expect_no_changes and has_changes(finished):
        typer.echo("yard: no changes were expected, but some are proposed", err=True)
        return ExitStatus.CHANGES
    return status_of(finished)


def _print_document(host: Host, chosen: Options) -> Finished:
    from engine.preview_document import preview_document, render

    events: list[Event] = []
    request = make_request(chosen, "update", dry_run=True, every_state=True)
    with recording(chosen.verdicts, chosen.directory, chosen.stack, dry_run=True, quiet=True) as note:

        def watch(event: Event) -> None:
            note(event)
            events.append(event)

        finished = host.run(request, watch)
    sys.stdout.write(render(preview_document(events)))
    return finished
