"""The report on a change for a terminal: what is dangerous first, then each stack, property by property."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.display_text import clean_line
from lifecycle.changes.report import NOT_TOLD, ChangeReport, PropertyChange, ResourceChange, Revision, StackChange
from planning.cost.words import dollars, more

if TYPE_CHECKING:
    from rich.console import Console

_MARKS = {"replace": "+-", "delete": "- ", "create": "+ ", "update": "~ "}
_STYLES = {"replace": "magenta", "delete": "red", "create": "green", "update": "yellow"}
_DONE = {"replace": "replaced", "delete": "deleted", "create": "created", "update": "updated"}
_LONGEST = 400


def print_report(report: ChangeReport, console: "Console") -> None:
    """Prints the report; in colours on a terminal only."""
    from rich.text import Text

    for text, style in lines(report):
        console.print(Text(text, style=style), soft_wrap=True)


def lines(report: ChangeReport) -> Iterator[tuple[str, str]]:
    """Every line, and its style."""
    modified = " and what is not committed" if report.head.modified else ""
    yield f"{clean_line(report.project)}: {_revision(report.head)}{modified} against {_revision(report.base)}", "bold"
    for stack in report.stacks:
        for each in stack.resources:
            if each.is_dangerous:
                yield _danger(stack, each), "bold red"
    for stack in report.stacks:
        yield "", ""
        yield from _stack(stack)
    if not report.policies:
        yield "", ""
        yield "No policy pack judged: --policy-pack names one.", ""


def _revision(revision: Revision) -> str:
    return f"{clean_line(revision.name)} ({revision.commit[:10]})"


def _danger(stack: StackChange, resource: ResourceChange) -> str:
    forcing = [clean_line(each.path) for each in resource.properties if each.replaces]
    because = f" because of {', '.join(forcing[:5])}" if forcing else ""
    protected = "; Pulumi refuses that, since it is protected" if resource.protected else ""
    return (
        f"WARNING: {clean_line(resource.name)} ({resource.type}) of {clean_line(stack.stack)} is "
        f"{_DONE[resource.operation]}{because}, which loses {resource.loss or 'data'}{protected}"
    )


def _stack(stack: StackChange) -> Iterator[tuple[str, str]]:
    state = "new" if stack.is_new else "goes" if stack.is_gone else "" if stack.is_touched else "nothing changes"
    yield f"{clean_line(stack.stack)}{f': {state}' if state else ''}", "bold"
    for problem, what in ((stack.head_problem, "head"), (stack.base_problem, "base")):
        if problem:
            yield f"  the {what} cannot be previewed:", "bold red"
            yield from ((f"    {clean_line(line)}", "red") for line in problem.splitlines())
    for resource in stack.resources:
        yield from _resource(resource)
    if counts := [
        f"{count} {word}"
        for operation, word in _DONE.items()
        if (count := sum(each.operation == operation for each in stack.resources))
    ]:
        yield f"  {', '.join(counts)}, {stack.same} unchanged", ""
    yield from _cost(stack)
    for verdict in stack.verdicts:
        if verdict.status != "remaining":
            style = "bold red" if (verdict.status, verdict.kind) == ("new", "violated") else ""
            where = clean_line(verdict.name or stack.stack)
            yield f"  {verdict.status} ({verdict.kind}): {verdict.rule}: {where}: {clean_line(verdict.text)}", style
    if remaining := sum(each.status == "remaining" for each in stack.verdicts):
        yield (
            f"  {remaining} verdict{'' if remaining == 1 else 's'} of policies remain{'s' if remaining == 1 else ''}",
            "",
        )
    for rule in stack.rules:
        levels = f"{rule.before or 'no such rule'} before, {rule.after or 'no such rule'} now"
        yield f"  rule {clean_line(rule.rule)}: {levels}", "bold red" if rule.is_weaker else ""
    for note in stack.notes:
        yield f"  {clean_line(note)}", ""


def _resource(resource: ResourceChange) -> Iterator[tuple[str, str]]:
    style = _STYLES.get(resource.operation, "")
    mark = _MARKS.get(resource.operation, "  ")
    yield f"  {mark} {clean_line(resource.name)} ({clean_line(resource.type)})", style
    for change in resource.properties:
        yield f"       {_property(change)}", style if change.replaces else ""


def _property(change: PropertyChange) -> str:
    path = clean_line(change.path)
    replaces = " (replaces it)" if change.replaces else ""
    if change.kind == "added":
        return f"+ {path}: {_value(change.after)}{replaces}"
    if change.kind == "removed":
        return f"- {path}: {_value(change.before)}{replaces}"
    return f"~ {path}: {_value(change.before)} => {_value(change.after)}{replaces}"


def _value(value: Any) -> str:
    told = isinstance(value, str) and value.startswith(NOT_TOLD)
    text = clean_line(value if told else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _cost(stack: StackChange) -> Iterator[tuple[str, str]]:
    cost = stack.cost
    if cost is None:
        return
    least = "" if cost.complete else "at least "
    rows = (
        ("a month", cost.before_usd_per_month, cost.after_usd_per_month, 2),
        ("an hour, idle", cost.before_idle_usd_per_hour, cost.after_idle_usd_per_hour, 4),
        ("an hour, full size", cost.before_full_usd_per_hour, cost.after_full_usd_per_hour, 4),
    )
    for what, old, new, digits in rows:
        if round(new - old, digits):
            amounts = f"{least}{dollars(old, digits)} => {least}{dollars(new, digits)}"
            yield f"  {what}: {amounts} ({more(new - old, digits)})", ""
