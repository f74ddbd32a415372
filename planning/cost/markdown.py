"""Costs and their differences as Markdown, for a comment on a pull request."""

import datetime
from collections.abc import Iterable, Sequence

from planning.cost import words
from planning.cost.difference import CostDifference
from planning.cost.estimate import PlanCost
from planning.cost.words import dollars, more


def cost_markdown(cost: PlanCost, title: str, today: datetime.date) -> str:
    """A cost: totals, what each resource costs, and what is assumed and left out."""
    rows = list(_resources(cost))
    return "\n".join(
        [
            f"### {_cell(title)}",
            "",
            *_table(("US dollars before tax", "", ""), words.totals(cost)),
            "",
            *_list("Left out of every total:", words.left_out(cost)),
            "<details><summary>A month by resource</summary>",
            "",
            *_table(("resource", "type", "fixed", "by use", "a month"), rows, right=3),
            "",
            "</details>",
            "",
            f"{words.age_of_prices(cost, today)} Assumed: {words.assumptions(cost)}.",
            "",
        ]
    )


def difference_markdown(found: CostDifference, title: str, today: datetime.date) -> str:
    """A difference: totals before and after, and the resources that differ."""
    before, after = found.before, found.after
    totals = [
        (
            what,
            f"{words.at_least(before)}{dollars(old, digits)}",
            f"{words.at_least(after)}{dollars(new, digits)}",
            more(change, digits),
        )
        for what, old, new, change, digits in (
            ("an hour, idle", before.idle_usd_per_hour, after.idle_usd_per_hour, found.idle_usd_per_hour, 4),
            ("an hour, full size", before.full_usd_per_hour, after.full_usd_per_hour, found.full_usd_per_hour, 4),
            ("a month", before.usd_per_month, after.usd_per_month, found.usd_per_month, 2),
        )
    ]
    rows = [
        (each.kind, each.name, each.type.rpartition(":")[2], more(each.usd_per_month), "; ".join(each.unknown))
        for each in found.resources
    ]
    said = [f"before: {each}" for each in words.left_out(before)] + [f"after: {each}" for each in words.left_out(after)]
    heads = ("", "resource", "type", "a month", "unknown")
    changed = _table(heads, rows) if rows else ["No resource costs another amount."]
    return "\n".join(
        [
            f"### {_cell(title)}",
            "",
            *_table(("US dollars before tax", "before", "after", "difference"), totals, right=3),
            "",
            *changed,
            "",
            *_list("Left out of every total:", said),
            f"{words.age_of_prices(after, today)} Assumed: {words.assumptions(after)}.",
            "",
        ]
    )


def _resources(cost: PlanCost) -> Iterable[tuple[str, str, str, str, str]]:
    """What each resource that is not free costs in a month: fixed, by use, and both."""
    for lines in cost.by_resource().values():
        if all(line.kind == "free" for line in lines):
            continue
        parts = {
            kind: dollars(sum(line.usd_per_month or 0.0 for line in lines if line.kind == kind))
            for kind in ("fixed", "usage")
        }
        both = dollars(words.sum_of(line.usd_per_month for line in lines))
        star = " and what is left out" if any(line.kind == "unknown" for line in lines) and both != "unknown" else ""
        yield lines[0].name, lines[0].type.rpartition(":")[2], parts["fixed"], parts["usage"], f"{both}{star}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> list[str]:
    """The last `right` columns are aligned to the right."""
    rule = ["---:" if index >= len(heads) - right else "---" for index in range(len(heads))]
    return [
        f"| {' | '.join(heads)} |",
        f"| {' | '.join(rule)} |",
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
    ]


def _list(title: str, items: Sequence[str]) -> list[str]:
    return [title, "", *(f"- {_cell(item)}" for item in items), ""] if items else []


def _cell(text: str) -> str:
    """Text that stays text: what a plan calls its resources is not ours to trust."""
    flat = " ".join(text.split())
    return "".join(f"\\{character}" if character in "|<>`*_[]\\" else character for character in flat)
