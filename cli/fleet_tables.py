"""How `yard fleet` looks: the fleet, its cost part by part, and why it is the answer."""

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from cli.tables import print_whole, say

if TYPE_CHECKING:
    from planning.fleet.baseline import Baselines
    from planning.fleet.explanation import Alternative, Explanation
    from planning.fleet.plan import FleetPlan
    from planning.fleet.uniform import Aim

_MOST_TYPES = 3


def print_answer(
    plan: "FleetPlan",
    explanation: "Explanation",
    compared: "Baselines",
    *,
    aim: "Aim",
    as_of: str,
    dated: int,
) -> None:
    """Everything about one fleet."""
    out = _console()
    work = plan.work
    aimed = "Cheapest" if aim == "cost" else "Earliest"
    limits = f"deadline {work.deadline_hours:,.1f} hours"
    limits += f", budget ${work.budget_usd:,.2f}" if work.budget_usd is not None else ""
    say(out, f"{aimed} fleet: ${plan.usd:,.2f} expected, done in {plan.hours:,.1f} hours expected ({limits})")
    print_whole(out, _pools(plan))
    print_whole(out, _breakdown(plan))
    say(out, _gap(plan, aim))
    _list(out, "Why", explanation.why)
    _alternatives(out, "Otherwise", explanation.next_best, plan, aim)
    _alternatives(out, "Limits that bind", explanation.binding, plan, aim)
    if not explanation.binding:
        say(out, "\nNo limit binds: loosening any one of them gives no better fleet.")
    _compare(out, compared, plan)
    _print_caveats(out, plan, as_of=as_of, dated=dated)


def print_front(plans: "Sequence[FleetPlan]", *, as_of: str, dated: int) -> None:
    """The Pareto front, a line each."""
    from planning.fleet.report import pools_in_words

    out = _console()
    table = _table("hours", "$ expected", "gap", "fleet", right=3)
    for plan in plans:
        table.add_row(f"{plan.hours:,.2f}", f"{plan.usd:,.2f}", f"{plan.gap:.2%}", pools_in_words(plan))
    say(out, "Fleets of which none is both cheaper and earlier than another, the earliest first:")
    print_whole(out, table)
    _print_caveats(out, plans[-1], as_of=as_of, dated=dated)


def _pools(plan: "FleetPlan") -> Table:
    table = _table("nodes", "type", "GPUs", "where", "capacity", "$/hour", "hours", "checkpoint", "$ expected")
    for column in (0, 5, 6, 7, 8):
        table.columns[column].justify = "right"
    for pool in plan.pools:
        kind, price = pool.candidate.kind, pool.candidate.price
        interval = pool.checkpoint_interval_hours
        table.add_row(
            str(pool.nodes),
            kind.name,
            f"{kind.gpu_count} x {kind.gpu}",
            f"{price.cloud}:{price.zone or price.region}",
            price.capacity.replace("_", " "),
            f"{price.usd_per_hour:,.4f}",
            f"{pool.node_hours / pool.nodes:,.1f}",
            f"{interval:,.1f} h" if math.isfinite(interval) else "",
            f"{pool.usd:,.2f}",
        )
    return table


def _breakdown(plan: "FleetPlan") -> Table:
    from planning.fleet.report import PARTS, breakdown_document

    table = _table("part", "$ expected")
    table.columns[1].justify = "right"
    for name, usd in breakdown_document(plan.breakdown).items():
        if usd:
            table.add_row(PARTS[name], f"{usd:,.2f}")
    for word in plan.unknown:
        table.add_row(word, "unknown")
    table.add_row("together" if not plan.unknown else "together, at least", f"{plan.usd:,.2f}")
    return table


def _gap(plan: "FleetPlan", aim: "Aim") -> str:
    if plan.work.coupling == "synchronous":
        return "Optimal: every type with every number of nodes was tried (gap 0 %)."
    best = f"costs less than ${plan.bound:,.2f}" if aim == "cost" else f"ends before {plan.bound:,.2f} hours"
    less = " for a budget less than a thousandth smaller" if aim == "time" and plan.work.budget_usd else ""
    return f"Shown by the search: no fleet {best}{less}, so that this one is at most {plan.gap:.2%} from the optimum."


def _alternatives(
    out: Console, title: str, alternatives: "Sequence[Alternative]", plan: "FleetPlan", aim: "Aim"
) -> None:
    from planning.fleet.report import pools_in_words

    if not alternatives:
        return
    table = _table(title, "$ expected", "", "hours", "fleet")
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    for each in alternatives:
        if each.plan is None:
            table.add_row(each.what, "", "", "", "none")
            continue
        change = each.plan.usd / plan.usd - 1 if aim == "cost" else each.plan.hours / plan.hours - 1
        table.add_row(
            each.what, f"{each.plan.usd:,.2f}", f"{change:+.1%}", f"{each.plan.hours:,.1f}", pools_in_words(each.plan)
        )
    print_whole(out, table)


def _compare(out: Console, compared: "Baselines", plan: "FleetPlan") -> None:
    lines = []
    for what, other in (("the single cheapest type", compared.single_type), ("on demand only", compared.on_demand)):
        if other is None:
            lines.append(f"{what}: no such fleet does the work")
        else:
            change = other.usd / plan.usd - 1
            lines.append(f"{what}: ${other.usd:,.2f} ({change:+.1%}), {other.hours:,.1f} hours")
    _list(out, "Compared with", lines)


def _print_caveats(out: Console, plan: "FleetPlan", *, as_of: str, dated: int) -> None:
    _list(out, "Assumed", plan.assumed)
    _list(out, "Unknown, and in no sum", plan.unknown)
    left_out = [
        f"{_count(each.offers, 'offer')}: {each.reason} ({', '.join(each.types[:_MOST_TYPES])}"
        + (f" and {len(each.types) - _MOST_TYPES} more types)" if len(each.types) > _MOST_TYPES else ")")
        for each in plan.left_out
    ]
    left_out += [f"{_count(dated, 'price')}: too old to plan with"] if dated else []
    _list(out, "Left out", left_out)
    say(out, f"\nExpected values, of prices as of {as_of}. docs/fleet.md tells what is modelled and what is not.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _list(out: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        say(out, f"\n{title}:")
        for line in lines:
            say(out, f"  {line}")


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _table(*columns: str, right: int = 0) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number < right else "left", no_wrap=True)
    return table
