"""How a reaping is told: as text, as Markdown for a workflow's summary, as JSON. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifecycle.reaping.reap import Reaped, ReapReport

WORDS = {
    "reaped": "destroyed, nothing is left",
    "unverified": "destroyed, and what it had trained is lost",
    "leftovers": "destroyed, and something is left",
    "refused": "not destroyed",
    "busy": "not destroyed: somebody works on it",
    "stopped": "not all destroyed: stopped",
    "failed": "not all destroyed",
}
"""What became of it."""


def report_lines(report: "ReapReport") -> list[str]:
    """The report as lines of text."""
    lines = []
    for each in report.reaped:
        lines.append(f"{each.due.kind} {each.due.name}: {WORDS[each.outcome]}")
        lines += [f"  {line}" for line in each.text.splitlines()]
        lines += [f"  is left: {left.kind} {left.id}" for left in each.leftovers]
    if report.dry_run:
        lines += [f"due: {due.kind} {due.name} of stack {due.stack}: {due.why}" for due in report.findings.due]
    lines += list(_rest(report))
    if commands := _removals(report):
        lines += ["", "To remove what is left, in this order:", "", *(f"  {line}" for line in commands), ""]
    lines.append(summary(report))
    return lines


def report_markdown(report: "ReapReport") -> str:
    """The report as Markdown."""
    lines = ["### What was reaped", "", summary(report), ""]
    if report.reaped:
        lines += ["| What | Why | What became of it |", "| --- | --- | --- |"]
        for each in report.reaped:
            told = [
                WORDS[each.outcome],
                *each.text.splitlines(),
                *(f"left: {left.kind} {left.id}" for left in each.leftovers),
            ]
            lines.append(
                f"| {each.due.kind} {_cell(each.due.name)} | {_cell(each.due.why)} | {_cell('; '.join(told))} |"
            )
        lines.append("")
    if report.dry_run and report.findings.due:
        lines += ["| Due | Why |", "| --- | --- |"]
        lines += [f"| {due.kind} {_cell(due.name)} | {_cell(due.why)} |" for due in report.findings.due]
        lines.append("")
    lines += [f"- {_cell(line)}" for line in _rest(report)]
    if commands := _removals(report):
        lines += ["", "To remove what is left, in this order:", "", "~~~sh", *commands, "~~~"]
    return "\n".join(lines).rstrip()


def report_document(report: "ReapReport") -> dict[str, Any]:
    """The report as JSON."""
    findings = report.findings
    return {
        "at": report.at,
        "dry_run": report.dry_run,
        "done": report.is_done,
        "due": [
            {"kind": due.kind, "name": due.name, "stack": due.stack, "reason": due.reason, "since": due.since}
            for due in findings.due
        ],
        "reaped": [
            {
                "kind": each.due.kind,
                "name": each.due.name,
                "stack": each.due.stack,
                "outcome": each.outcome,
                "text": each.text,
                "leftovers": [
                    {"kind": left.kind, "id": left.id, "removal": list(left.removal)} for left in each.leftovers
                ],
            }
            for each in report.reaped
        ],
        "busy": [{"name": each.name, "stack": each.stack, "since": each.since} for each in findings.busy],
        "problems": list(findings.problems),
        "not_looked_at": list(report.not_looked_at),
    }


def summary(report: "ReapReport") -> str:
    """All of it in one sentence."""
    due = len(report.findings.due)
    if not due and not report.findings.busy:
        return "Nothing has expired, and nothing was abandoned."
    if report.dry_run:
        return f"Due: {due}. Nothing was done."
    gone = sum(each.outcome in ("reaped", "unverified", "leftovers") for each in report.reaped)
    left = sum(bool(each.leftovers) for each in report.reaped)
    text = f"Due: {due}; destroyed: {gone}" + (f", of which {left} left something" if left else "")
    return f"{text}; still there: {due - gone + len(report.findings.busy)}."


def _rest(report: "ReapReport") -> Iterator[str]:
    for busy in report.findings.busy:
        yield f"run {busy.name} of stack {busy.stack} expired at {busy.since}, and a process still works on it"
    for problem in report.findings.problems:
        yield f"nobody can tell: {problem}"
    for each in report.not_looked_at:
        yield f"not looked at: {each}"


def _removals(report: "ReapReport") -> list[str]:
    reaped: tuple[Reaped, ...] = report.reaped
    return list(dict.fromkeys(line for each in reaped for left in each.leftovers for line in left.removal))


def _cell(text: str) -> str:
    """Text in a table's cell or a list's item: one line, and no markup of its own."""
    plain = " ".join(text.split())
    for sign in "\\|<>*_[]`#~":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
