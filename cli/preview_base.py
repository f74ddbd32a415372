"""`yard preview --base REF`: what a deployment of the working tree would change of what REF has deployed.

Both revisions are previewed from an empty state, so nothing secret is needed: see docs/change-report.md.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.errors import CommandError
from cli.exit_status import OF_CAUSE, ExitStatus
from engine.events import Event

if TYPE_CHECKING:
    from cli.verdicts import Verdicts
    from lifecycle.changes.making import Made
    from lifecycle.changes.report import ChangeReport
    from lifecycle.changes.verdicts import Judgement
    from planning.prices.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseOptions:
    """What was asked for beside the revision."""

    directory: Path
    base: str
    stacks: Sequence[str] = ()
    json: bool = False
    markdown: bool = False
    sarif: Path | None = None
    """`-` is standard output."""
    html: Path | None = None
    policy_packs: Sequence[Path] = field(default_factory=list)
    policy_configs: Sequence[Path] = field(default_factory=list)
    parallel: int = 16
    expect_no_changes: bool = False


def preview_base(options: BaseOptions) -> ExitStatus:
    """Makes the report, prints it, and writes the files that were asked for; returns the exit code."""
    from lifecycle.changes.errors import UnknownStack
    from lifecycle.changes.making import Asked, make_report

    _check(options)
    asked = Asked(
        folder=options.directory,
        base=options.base,
        stacks=options.stacks,
        policy_packs=options.policy_packs,
        policy_configs=options.policy_configs,
        parallel=options.parallel,
    )
    try:
        made = make_report(asked, judge=_judge, book=lambda: _book(options.directory), tell=_teller())
    except UnknownStack as error:
        raise CommandError(str(error), ExitStatus.STACK_NOT_FOUND) from None
    except KeyboardInterrupt:
        raise CommandError("stopped; nothing was changed", ExitStatus.CANCELLED) from None
    _write_html(options, made.report)
    _show(options, made)
    return _status(options, made)


def _book(folder: Path) -> "PriceBook":
    # With all that a price is made by: importing it takes as long as reading the prices.
    import planning.cost.difference
    import planning.cost.estimate  # noqa: F401
    from planning.prices.refreshed import project_book

    return project_book(folder)


def _check(options: BaseOptions) -> None:
    """Raises CommandError, before anything runs, for a file that cannot be written."""
    if options.html is None:
        return
    from cli.verdicts_files import problem_of

    if problem := problem_of(options.html, options.directory, options.policy_configs):
        raise CommandError(f"--html = {str(options.html)!r}: cannot be written: {problem}", ExitStatus.CONFIGURATION)


def _teller() -> Callable[[str], None]:
    """Says what is done to whoever waits at a terminal, and to nobody else."""
    if sys.stderr.isatty():
        return lambda text: typer.echo(text, err=True)
    return lambda _: None


def _judge(events: Sequence[Event]) -> "Judgement":
    from lifecycle.changes.verdicts import JudgedRule, Judgement, Verdict

    packs = _verdicts("", events).packs
    return Judgement(
        verdicts=[
            Verdict(rule=each.rule, kind=each.kind, urn=each.urn, text=each.text)
            for pack in packs
            for each in pack.findings
        ],
        rules={
            rule.id: JudgedRule(title=rule.title, level=rule.level, severity=rule.severity)
            for pack in packs
            for rule in pack.rules.values()
        },
    )


def _verdicts(stack: str, events: Sequence[Event]) -> "Verdicts":
    from cli.verdicts import Verdicts

    verdicts = Verdicts(stack, dry_run=True)
    for event in events:
        verdicts.add(event)
    return verdicts


def _show(options: BaseOptions, made: "Made") -> None:
    if options.sarif is not None:
        _write_sarif(options, options.sarif, made)
        if options.sarif == Path("-"):
            return
    if options.json:
        from cli.json_output import print_json
        from lifecycle.changes.document import report_document

        print_json(report_document(made.report))
    elif options.markdown:
        from lifecycle.changes.markdown import markdown_text

        sys.stdout.write(markdown_text(made.report))
    else:
        from rich.console import Console

        from lifecycle.changes.text import print_report

        print_report(made.report, Console(soft_wrap=True))


def _write_html(options: BaseOptions, report: "ChangeReport") -> None:
    if options.html is None:
        return
    from engine.durable_files import replace_file
    from lifecycle.changes.html import html_text

    try:
        replace_file(options.html.resolve(), html_text(report).encode())
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"--html = {str(options.html)!r}: cannot be written: {reason}", ExitStatus.ERROR) from None


def _write_sarif(options: BaseOptions, path: Path, made: "Made") -> None:
    from cli.verdicts_baseline import sarif_against
    from cli.verdicts_files import write_sarif

    stacks = [each.stack for each in made.report.stacks if not each.is_gone]
    heads = {stack: _verdicts(stack, made.events[stack, "head"]) for stack in stacks}
    bases = {
        each.stack: _verdicts(each.stack, made.events.get((each.stack, "base"), ()))
        for each in made.report.stacks
        if each.stack in heads and not each.base_problem
    }
    write_sarif(path, sarif_against(heads, bases, options.directory))


def _status(options: BaseOptions, made: "Made") -> ExitStatus:
    from engine.display_text import clean

    if made.causes:
        for stack in made.report.stacks:
            if stack.head_problem and (options.json or options.markdown or options.sarif):
                typer.echo(clean(f"yard: {stack.stack} cannot be previewed: {stack.head_problem}"), err=True)
        cancelled = "cancelled" in made.causes
        return ExitStatus.CANCELLED if cancelled else OF_CAUSE.get(made.causes[0], ExitStatus.ERROR)
    stacks = made.report.stacks
    violated = [each for stack in stacks for each in stack.verdicts if (each.status, each.kind) == ("new", "violated")]
    if violated:
        rules = ", ".join(sorted({each.rule for each in violated}))
        typer.echo(f"yard: the change violates mandatory policies: {rules}", err=True)
        return ExitStatus.POLICY
    if options.expect_no_changes and any(stack.is_touched for stack in stacks):
        typer.echo("yard: no changes were expected, but some are proposed", err=True)
        return ExitStatus.CHANGES
    return ExitStatus.SUCCESS
