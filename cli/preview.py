"""`yard preview`: shows what `up` would change, or, with --base, what a change to the project would.

It needs no credential, no plugin, no passphrase and no network.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.project_folder import find_project_folder
from cli.verdicts_files import VerdictFiles, recording
from engine.session import Host

if TYPE_CHECKING:
    from cli.deploying import Options
    from engine.events import Event, Finished


def preview(
    context: typer.Context,
    stacks: Annotated[
        list[str] | None,
        typer.Option(
            "--stack",
            "-s",
            help="The stack, as in Pulumi.STACK.yaml; with --base, several or all.",
            show_default=options.DEFAULT_STACK,
        ),
    ] = None,
    directory: options.Directory = Path(),
    base: Annotated[
        str, typer.Option("--base", metavar="REF", help="Show what changes since this revision, such as origin/main.")
    ] = "",
    diff: options.Diff = False,
    show_same: options.ShowSame = False,
    json: Annotated[
        bool, typer.Option("--json", "-j", help="Print JSON; without --base, the document of `pulumi preview --json`.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --base: print Markdown, for a pull request.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="With --base: write a page that shows it.", dir_okay=False),
    ] = None,
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help="Make any difference an error (exit code 7).")
    ] = False,
    policy_packs: options.PolicyPacks = None,
    policy_configs: options.PolicyConfigs = None,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Write the policies' verdicts as SARIF 2.1.0; - prints them."),
    ] = None,
    junit: options.Junit = None,
    parallel: options.Parallel = 16,
    debug: options.Debug = False,
) -> int:
    """Show what `up` would change, and change nothing."""
    folder = find_project_folder(directory)
    verdicts = VerdictFiles(sarif, junit)
    verdicts.check(folder, policy_packs or [], policy_configs or [], standard_output=True)
    _check_output(json=json, markdown=markdown, sarif=verdicts.on_standard_output)
    host: Host | None = context.obj
    if base:
        _refuse("cannot be had with --base", {"--junit": junit, "--diff": diff, "--show-sames": show_same})
        from cli.preview_base import BaseOptions, preview_base

        if host is not None:
            # Each revision has processes of its own.
            host.close()
        return preview_base(
            BaseOptions(
                directory=folder,
                base=base,
                stacks=stacks or [],
                json=json,
                markdown=markdown,
                sarif=sarif,
                html=html,
                policy_packs=policy_packs or [],
                policy_configs=policy_configs or [],
                parallel=parallel,
                expect_no_changes=expect_no_changes,
            )
        )
    _refuse("needs --base", {"--markdown": markdown, "--html": html, "a second --stack": len(stacks or []) > 1})
    from cli.deploying import Options, deploy, has_changes, status_of

    chosen = Options(
        folder,
        stacks[0] if stacks else options.DEFAULT_STACK,
        diff,
        show_same,
        parallel,
        debug,
        policy_packs or [],
        policy_configs or [],
        verdicts=verdicts,
    )
    host = host or Host()
    shown = not verdicts.on_standard_output
    finished = _print_document(host, chosen) if json else deploy(host, chosen, "update", dry_run=True, shown=shown)
    if finished.outcome == "succeeded" and expect_no_changes and has_changes(finished):
        typer.echo("yard: no changes were expected, but some are proposed", err=True)
        return ExitStatus.CHANGES
    return status_of(finished)


def _check_output(*, json: bool, markdown: bool, sarif: bool) -> None:
    """Raises CommandError where several documents are to be printed."""
    asked = [name for name, given in (("--json", json), ("--markdown", markdown), ("--sarif -", sarif)) if given]
    if len(asked) > 1:
        raise CommandError(f"{' and '.join(asked)} exclude each other", ExitStatus.CONFIGURATION)


def _refuse(why: str, given: dict[str, object]) -> None:
    """Raises CommandError for options that mean nothing here."""
    for name, value in given.items():
        if value:
            raise CommandError(f"{name} {why}", ExitStatus.CONFIGURATION)


def _print_document(host: Host, chosen: "Options") -> "Finished":
    from cli.deploying import make_request
    from engine.preview_document import preview_document, render

    events: list[Event] = []
    request = make_request(chosen, "update", dry_run=True, every_state=True)
    with recording(chosen.verdicts, chosen.directory, chosen.stack, dry_run=True, quiet=True) as note:

        def watch(event: "Event") -> None:
            note(event)
            events.append(event)

        finished = host.run(request, watch)
    sys.stdout.write(render(preview_document(events)))
    return finished
