"""The tables that `yard cost` prints."""

import datetime
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from cli.tables import print_whole, say
from planning.cost import words
from planning.cost.difference import CostDifference
from planning.cost.estimate import PlanCost
from planning.cost.lines import Line
from planning.cost.words import dollars, more


def print_cost(cost: PlanCost, title: str, today: datetime.date, *, lines: bool) -> None:
    """Prints a cost by resource, or line by line, with its totals and all that is assumed and left out."""
    console = Console(highlight=False, soft_wrap=False)
    where = f" in {cost.region}" if cost.region else ""
    say(console, f"Cost of {title}{where}, in US dollars before tax. {words.age_of_prices(cost, today)}")
    console.print()
    costly = [each for each in cost.by_resource().values() if any(line.kind != "free" for line in each)]
    costly.sort(key=lambda each: -(words.sum_of(line.usd_per_month for line in each) or 0.0))
    if lines:
        _print_lines(console, costly)
    elif costly:
        print_whole(console, _resource_table(costly))
    totals = _table("", ">US dollars", "")
    for what, amount, note in words.totals(cost):
        totals.add_row(what, amount, note)
    print_whole(console, totals)
    _print_rest(console, cost)


def print_difference(found: CostDifference, title: str, today: datetime.date) -> None:
    """Prints what differs, and by how much."""
    console = Console(highlight=False, soft_wrap=False)
    say(console, f"Cost of {title}, in US dollars before tax. {words.age_of_prices(found.after, today)}")
    console.print()
    if found.resources:
        changed = _table("", "resource", "type", ">before", ">after", ">a month")
        for each in found.resources:
            star = " *" if each.unknown else ""
            changed.add_row(
                each.kind,
                f"{each.name}{star}",
                _short(each.type),
                dollars(each.before_usd_per_month),
                dollars(each.after_usd_per_month),
                more(each.usd_per_month),
            )
        print_whole(console, changed)
    else:
        say(console, "No resource costs another amount.")
    before, after = found.before, found.after
    totals = _table("", ">before", ">after", ">difference")
    for what, old, new, change, digits in (
        ("an hour, idle", before.idle_usd_per_hour, after.idle_usd_per_hour, found.idle_usd_per_hour, 4),
        ("an hour, full size", before.full_usd_per_hour, after.full_usd_per_hour, found.full_usd_per_hour, 4),
        ("a month", before.usd_per_month, after.usd_per_month, found.usd_per_month, 2),
    ):
        totals.add_row(
            what,
            f"{words.at_least(before)}{dollars(old, digits)}",
            f"{words.at_least(after)}{dollars(new, digits)}",
            more(change, digits),
        )
    print_whole(console, totals)
    for side, cost in (("before", before), ("after", after)):
        _list(console, f"Left out of the totals {side}:", words.left_out(cost))
    if any(each.unknown for each in found.resources):
        say(console, "* a part of it is left out.")
    if assumed := words.assumptions(after):
        say(console, f"Assumed after: {assumed}.")


def _print_rest(console: Console, cost: PlanCost) -> None:
    _list(console, "Left out of the totals (* above):", words.left_out(cost))
    free = words.free_counts(cost)
    if free:
        shown = [f"{count:>4}  {reason}" for reason, count in free.items()]
        _list(console, f"{sum(free.values())} resources cost nothing:", shown)
    if assumed := words.assumptions(cost):
        say(console, f"Assumed (trainyard:usage, or --usage KEY=VALUE): {assumed}.")


def _resource_table(costly: Sequence[Sequence[Line]]) -> Table:
    table = _table("resource", "type", ">idle hour", ">full hour", ">month")
    for lines in costly:
        star = " *" if any(line.kind == "unknown" for line in lines) else ""
        table.add_row(
            f"{lines[0].name}{star}",
            _short(lines[0].type),
            dollars(words.sum_of(line.idle_usd_per_hour for line in lines), 4),
            dollars(words.sum_of(line.full_usd_per_hour for line in lines), 4),
            dollars(words.sum_of(line.usd_per_month for line in lines)),
        )
    return table


def _print_lines(console: Console, costly: Sequence[Sequence[Line]]) -> None:
    for lines in costly:
        month = dollars(words.sum_of(line.usd_per_month for line in lines))
        say(console, f"{lines[0].name}  ({lines[0].type})  {month} a month")
        for line in lines:
            price = f": {words.quantity(line)} at ${line.usd_per_unit:.7g}" if line.usd_per_unit is not None else ""
            say(console, f"{dollars(line.usd_per_month):>12}  {line.what}{price}")
            origin = f"{line.source}; {line.as_of}, {line.basis}" if line.as_of else line.source
            for text in (line.assumption and f"assumed: {line.assumption}", line.note, origin):
                if text:
                    say(console, f"{'':>12}    {text}")
        console.print()


def _table(*heads: str) -> Table:
    """A table; a head that begins with > is of a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        number = head.startswith(">")
        side = "right" if number else "left"
        table.add_column(head.removeprefix(">"), justify=side, no_wrap=number, overflow="fold")  # type: ignore[arg-type]
    return table


def _short(type_: str) -> str:
    """`aws:ec2/natGateway:NatGateway` as `NatGateway`."""
    return type_.rpartition(":")[2]


def _list(console: Console, title: str, items: Sequence[str]) -> None:
    if items:
        say(console, title)
        for item in items:
            say(console, f"  {item}")
