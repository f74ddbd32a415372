"""How an audit is told: as text, as JSON, and as an exit code."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from lifecycle.teardown.audit import AuditReport, Leftover
    from lifecycle.teardown.subject import Subject


def show_report(subject: "Subject", report: "AuditReport") -> None:
    """Prints what an audit has found, with the commands that remove it."""
    for line in report_lines(subject, report):
        typer.echo(line)


def report_lines(subject: "Subject", report: "AuditReport") -> list[str]:
    """The report as lines of text. Pure."""
    from lifecycle.teardown.audit import removal_lines

    lines = [f"cannot tell: {problem}" for problem in report.problems]
    for title, some in (("stays, as it is set", report.retained), ("is on its way out", report.going)):
        lines += _listed(title, some)
    listed = _listed("is left", report.leftovers)
    lines += [
        f"{line}, which costs money" if each.costs else line
        for line, each in zip(listed, report.leftovers, strict=True)
    ]
    if report.leftovers:
        lines += ["", "To remove what is left, in this order:", ""]
        lines += [f"  {line}" for line in removal_lines(report.leftovers)]
        without = [each for each in report.leftovers if not each.removal]
        lines += [f"  # no command is known for {each.kind} {each.id}" for each in without]
        lines.append("")
    lines.append(_summary(subject, report))
    return lines


def report_document(subject: "Subject", report: "AuditReport", deployed: int = 0) -> dict[str, Any]:
    """The report as JSON. Pure.

    :param deployed: How many resources the stack's state still holds.
    """
    return {
        "project": subject.project,
        "stack": subject.stack,
        "cloud": subject.cloud,
        "account_id": subject.account_id,
        "region": subject.region,
        "deployed_resources": deployed,
        "clean": report.is_clean,
        "looked_at": list(report.looked_at),
        "leftovers": [
            {**document, "costs": each.costs}
            for document, each in zip(_documents(report.leftovers), report.leftovers, strict=True)
        ],
        "retained": _documents(report.retained),
        "going": _documents(report.going),
        "problems": list(report.problems),
    }


def status_of_report(report: "AuditReport") -> ExitStatus:
    """LEFTOVERS where something is left, ERROR where nobody can tell, else SUCCESS."""
    if report.leftovers:
        return ExitStatus.LEFTOVERS
    return ExitStatus.ERROR if report.problems else ExitStatus.SUCCESS


def _listed(title: str, some: "Iterable[Leftover]") -> list[str]:
    return [f"{title}: {each.kind} {each.id} ({each.why})" for each in some]


def _summary(subject: "Subject", report: "AuditReport") -> str:
    word = {"aws": "account", "gcp": "project"}.get(subject.cloud)
    place = f" in {word} {subject.account_id}, {subject.region}" if word else ""
    if report.leftovers:
        costly = sum(each.costs for each in report.leftovers)
        costs = f", of which {costly} cost money" if costly else ""
        return f"left of stack {subject.stack}{place}: {len(report.leftovers)}{costs}"
    if report.problems:
        return (
            f"nobody knows whether anything of stack {subject.stack} is left{place}: not everything could be looked at"
        )
    return f"nothing of stack {subject.stack} is left{place}; looked for: {', '.join(report.looked_at)}"


def _documents(some: "Iterable[Leftover]") -> list[dict[str, Any]]:
    return [{"kind": each.kind, "id": each.id, "why": each.why, "removal": list(each.removal)} for each in some]
