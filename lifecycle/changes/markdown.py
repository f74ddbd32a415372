"""The report on a change as one comment on a pull request, in GitHub's Markdown. Pure.

The first line marks the comment, so that the next report can take its place. What is most dangerous stands on top, and
is the last thing to be left out where the comment would get too long: a service takes 65,536 characters.
"""

from collections.abc import Iterator, Sequence

from lifecycle.changes.fitting import Item, Section, fit
from lifecycle.changes.markdown_words import code, preformatted, value
from lifecycle.changes.report import (
    ChangeReport,
    CostChange,
    PropertyChange,
    ResourceChange,
    Revision,
    StackChange,
    VerdictChange,
)
from planning.cost.words import dollars, more

MARKER = "<!-- trainyard change report -->"
MOST_CHARACTERS = 63_000
"""Less than the 64,000 that are promised, with room for a line that a workflow adds."""
_LONGEST_PROBLEM = 3_000
_WARNED_ABOUT = 5
_PROPERTIES_THAT_COUNT = 8
_MARKS = {"replace": "±", "delete": "-", "create": "+", "update": "~", "same": " "}
_DONE = {"replace": "replaced", "delete": "deleted", "create": "created", "update": "updated", "same": "unchanged"}
_LEFT_OUT = (
    "_Parts of this report were left out for length. `yard preview --base REF` shows all of it in a terminal, with "
    "`--json` as data, and with `--html FILE` as a page._"
)

# Importance, the most important first. What is dangerous, or new and violated, comes before all else.
_WARNING, _SUMMARY, _PROBLEM, _GRAVE, _MONEY, _CREATED, _UPDATED, _PROPERTY, _DETAIL, _REST = range(10)


def markdown_text(report: ChangeReport, most: int = MOST_CHARACTERS) -> str:
    """The comment, of at most so many characters."""
    return fit(list(_sections(report)), most, _LEFT_OUT)


def _sections(report: ChangeReport) -> Iterator[Section]:
    touched = [each for each in report.stacks if each.is_touched]
    head = f"{MARKER}\n### What changes in {code(report.project)}\n\n{_compared(report)}\n\n"
    yield Section(head if touched else f"{head}Nothing changes in {_listed(report.stacks)}.\n\n")
    if touched:
        yield _summary(report)
    yield from (each for each in (_warnings(touched), _weaker(touched)) if each.items)
    for stack in touched:
        yield from _of_stack(stack)
    if not report.policies:
        yield Section("No policy pack judged: `--policy-pack` names one.\n")


def _compared(report: ChangeReport) -> str:
    head = f"{_revision(report.head)}{' and what is not committed' if report.head.modified else ''}"
    return f"A deployment of {head}, compared with {_revision(report.base)}."


def _revision(revision: Revision) -> str:
    return f"{code(revision.name)} ({code(revision.commit[:10])})"


def _listed(stacks: Sequence[StackChange]) -> str:
    return ", ".join(code(each.stack) for each in stacks) or "any stack"


def _summary(report: ChangeReport) -> Section:
    rows = []
    for stack in report.stacks:
        counts = [
            sum(each.operation == operation for each in stack.resources)
            for operation in ("replace", "delete", "create", "update")
        ]
        new = sum(each.status == "new" and each.kind == "violated" for each in stack.verdicts)
        cells = [f"{code(stack.stack)}{_state(stack)}", *map(_count, counts), _month(stack.cost), _count(new)]
        rows.append(Item(f"| {' | '.join(cells)} |\n", _SUMMARY))
    heads = "| stack | replaced | deleted | created | updated | a month | new violations |\n"
    return Section(f"{heads}| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n", rows, "\n", "\n")


def _state(stack: StackChange) -> str:
    if stack.head_problem:
        return " **cannot be previewed**"
    if stack.base_problem:
        return " (the base cannot be previewed)"
    return " (new)" if stack.is_new else " (goes)" if stack.is_gone else "" if stack.is_touched else " (unchanged)"


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _month(cost: CostChange | None) -> str:
    if cost is None:
        return ""
    least = "" if cost.complete else " at least"
    difference = more(cost.after_usd_per_month - cost.before_usd_per_month)
    return f"{dollars(cost.after_usd_per_month)}{least} ({difference})"


def _warnings(stacks: Sequence[StackChange]) -> Section:
    items = [
        Item(f"> - {_danger(stack, each)}\n", _WARNING)
        for stack in stacks
        for each in stack.resources
        if each.is_dangerous
    ]
    return Section("> [!CAUTION]\n> Data or keys would be lost.\n>\n", items, "\n", ">\n> ")


def _danger(stack: StackChange, resource: ResourceChange) -> str:
    forcing = [each for each in resource.properties if each.replaces]
    because = f", because of {', '.join(code(each.path) for each in forcing[:_WARNED_ABOUT])}" if forcing else ""
    lost = f", which loses {resource.loss}" if resource.loss else ""
    refused = ". Pulumi refuses that, since it is protected" if resource.protected else ""
    return f"{_named(resource)} of {code(stack.stack)} is **{_DONE[resource.operation]}**{because}{lost}{refused}."


def _weaker(stacks: Sequence[StackChange]) -> Section:
    items = [
        Item(
            f"> - {code(each.rule)} of {code(stack.stack)}: {_level(each.before)} before, {_level(each.after)} now.\n",
            _WARNING,
        )
        for stack in stacks
        for each in stack.rules
        if each.is_weaker
    ]
    return Section("> [!WARNING]\n> Policies are enforced less strictly than before.\n>\n", items, "\n", ">\n> ")


def _level(level: str) -> str:
    return code(level) if level else "no such rule"


def _of_stack(stack: StackChange) -> Iterator[Section]:
    for problem, what in ((stack.head_problem, "The head"), (stack.base_problem, "The base")):
        if problem:
            text = (
                f"{what} of {code(stack.stack)} cannot be previewed:\n\n{preformatted(problem, _LONGEST_PROBLEM)}\n\n"
            )
            yield Section("", [Item(text, _PROBLEM)])
    if stack.resources:
        yield _resources(stack)
    if stack.cost is not None and any(row for row in _money(stack)):
        yield _cost(stack, stack.cost)
    for section in (_verdicts(stack), _rules(stack)):
        if section.items:
            yield section
    if stack.notes:
        yield Section("", [Item(f"- {code(each, 400)}\n", _DETAIL) for each in stack.notes], "\n", "")


def _details(title: str) -> tuple[str, str]:
    return f"<details><summary>{title}</summary>\n\n", "\n</details>\n\n"


def _resources(stack: StackChange) -> Section:
    items: list[Item] = []
    for resource in stack.resources:
        importance = _importance(resource)
        place = len(items)
        items.append(Item(f"- `{_MARKS[resource.operation]}` {_named(resource)}{_of_note(resource)}\n", importance))
        ordered = sorted(resource.properties, key=lambda each: not each.replaces)
        for number, each in enumerate(ordered):
            weight = importance if each.replaces else _PROPERTY if number < _PROPERTIES_THAT_COUNT else _DETAIL
            items.append(Item(f"  - {_property(each)}\n", max(weight, importance), place))
    same = f", {stack.same:,} unchanged" if stack.same else ""
    before, after = _details(f"{code(stack.stack)}: {_count_words(stack)}{same}")
    return Section(before, items, after, "\n")


def _importance(resource: ResourceChange) -> int:
    if resource.is_dangerous:
        return _WARNING
    if not resource.custom:
        return _REST
    return (
        _GRAVE
        if resource.operation in ("replace", "delete")
        else _CREATED
        if resource.operation == "create"
        else _UPDATED
    )


def _count_words(stack: StackChange) -> str:
    counted = [
        (sum(each.operation == operation for each in stack.resources), word)
        for operation, word in _DONE.items()
        if operation != "same"
    ]
    return ", ".join(f"{count:,} {word}" for count, word in counted if count)


def _named(resource: ResourceChange) -> str:
    return f"{code(resource.name)} ({code(resource.type)})"


def _of_note(resource: ResourceChange) -> str:
    words = []
    if resource.is_dangerous:
        words.append(f"**loses {resource.loss or 'data'}**")
    if resource.protected and resource.operation in ("replace", "delete"):
        words.append("protected")
    return f" — {', '.join(words)}" if words else ""


def _property(change: PropertyChange) -> str:
    replaces = " **replaces it**" if change.replaces else ""
    path = code(change.path)
    if change.kind == "added":
        return f"`+` {path}: {value(change.after)}{replaces}"
    if change.kind == "removed":
        return f"`-` {path}: {value(change.before)}{replaces}"
    return f"`~` {path}: {value(change.before)} → {value(change.after)}{replaces}"


def _money(stack: StackChange) -> list[tuple[str, float, float, int]]:
    """What of the cost differs: what, before, after, digits."""
    cost = stack.cost
    if cost is None:
        return []
    totals = [
        ("a month", cost.before_usd_per_month, cost.after_usd_per_month, 2),
        ("an hour, idle", cost.before_idle_usd_per_hour, cost.after_idle_usd_per_hour, 4),
        ("an hour, full size", cost.before_full_usd_per_hour, cost.after_full_usd_per_hour, 4),
    ]
    differ = [row for row in totals if round(row[1] - row[2], row[3])]
    return totals if differ else []


def _cost(stack: StackChange, cost: CostChange) -> Section:
    items = [Item(_money_row(f"**{what}**", old, new, digits), _MONEY) for what, old, new, digits in _money(stack)]
    changed = [each for each in stack.resources if each.usd_per_month_before != each.usd_per_month_after]
    for each in sorted(changed, key=_greatest):
        row = _money_row(_named(each), each.usd_per_month_before, each.usd_per_month_after, 2)
        items.append(Item(row, _PROPERTY))
    unknown = (
        "" if cost.complete else f"\nLeft out: {', '.join(map(code, cost.unpriced)) or 'parts without a price'}.\n"
    )
    title = f"Cost of {code(stack.stack)}: {more(cost.after_usd_per_month - cost.before_usd_per_month)} a month"
    before, after = _details(title)
    heads = "| US dollars before tax | before | after | difference |\n| --- | ---: | ---: | ---: |\n"
    return Section(before + heads, items, unknown + after, "\n")


def _money_row(what: str, old: float | None, new: float | None, digits: int) -> str:
    difference = None if old is None or new is None else new - old
    return f"| {what} | {dollars(old, digits)} | {dollars(new, digits)} | {more(difference, digits)} |\n"


def _greatest(resource: ResourceChange) -> float:
    before, after = resource.usd_per_month_before, resource.usd_per_month_after
    return float("-inf") if before is None or after is None else -abs(after - before)


def _verdicts(stack: StackChange) -> Section:
    items = [
        Item(
            f"| {each.status} | {_said(each)} | {code(each.rule)} | {code(each.name or stack.stack)} | "
            f"{code(each.text, 300)} |\n",
            _verdict_importance(each),
        )
        for each in stack.verdicts
    ]
    counts = {status: sum(each.status == status for each in stack.verdicts) for status in ("new", "fixed", "remaining")}
    before, after = _details(
        f"Policies of {code(stack.stack)}: " + ", ".join(f"{count:,} {status}" for status, count in counts.items())
    )
    return Section(
        f"{before}| since | kind | rule | resource | what it says |\n| --- | --- | --- | --- | --- |\n",
        items,
        after,
        "\n",
    )


def _said(verdict: VerdictChange) -> str:
    return f"{verdict.kind}{f', {verdict.severity}' if verdict.severity in _KNOWN_SEVERITIES else ''}"


_KNOWN_SEVERITIES = ("critical", "high", "medium", "low")


def _verdict_importance(verdict: VerdictChange) -> int:
    if verdict.status == "remaining":
        return _REST
    return _GRAVE if verdict.status == "new" and verdict.kind in ("violated", "exempt") else _CREATED


def _rules(stack: StackChange) -> Section:
    items = [
        Item(f"| {code(each.rule)} | {_level(each.before)} | {_level(each.after)} | {code(each.title)} |\n", _UPDATED)
        for each in stack.rules
    ]
    before, after = _details(f"Rules of {code(stack.stack)} that are enforced otherwise: {len(items):,}")
    return Section(
        f"{before}| rule | before | now | what it asks for |\n| --- | --- | --- | --- |\n", items, after, "\n"
    )
