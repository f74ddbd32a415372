"""How costs are written for people, the same in a terminal and in a comment on a pull request."""

import datetime
from collections.abc import Iterable

from planning.cost.estimate import PlanCost
from planning.cost.lines import Line
from planning.cost.usage import NAMES


def dollars(usd: float | None, digits: int = 2) -> str:
    """An amount, such as `$1,234.50`; `unknown` where nobody knows it."""
    if usd is None:
        return "unknown"
    # Not "-$0.00" for what is nothing but rounding.
    rounded = round(usd, digits) + 0.0
    return f"-${-rounded:,.{digits}f}" if rounded < 0 else f"${rounded:,.{digits}f}"


def more(usd: float | None, digits: int = 2) -> str:
    """A difference, with its sign."""
    text = dollars(usd, digits)
    return f"+{text}" if usd is not None and round(usd, digits) > 0 else text


def at_least(cost: PlanCost) -> str:
    """What stands before a total that leaves something out."""
    return "" if cost.complete else "at least "


def age_of_prices(cost: PlanCost, today: datetime.date) -> str:
    """How old the prices are that a cost was made with."""
    oldest, newest = cost.oldest_price, cost.newest_price
    if oldest is None or newest is None:
        return "No price was needed."
    days = (today - oldest).days
    span = f"of {newest}" if oldest == newest else f"of {oldest} to {newest}"
    return f"Prices are {span}, the oldest {days} day{'' if days == 1 else 's'} old."


def totals(cost: PlanCost) -> list[tuple[str, str, str]]:
    """The totals: what, how much, and what to know of it."""
    least = at_least(cost)
    rows = [
        ("an hour, idle", f"{least}{dollars(cost.idle_usd_per_hour, 4)}", "nothing is used"),
        ("an hour, full size", f"{least}{dollars(cost.full_usd_per_hour, 4)}", "every node that may run does"),
        (
            "a month",
            f"{least}{dollars(cost.usd_per_month)}",
            f"{dollars(cost.fixed_usd_per_month)} fixed, {dollars(cost.usage_usd_per_month)} by use as assumed",
        ),
    ]
    for run in cost.runs:
        nodes = f"{run.hours:g} h on {run.nodes} node{'' if run.nodes == 1 else 's'}"
        rows.append((f"a run on {run.pool}", dollars(run.usd), f"{nodes}; {run.note}" if run.note else nodes))
    return rows


def left_out(cost: PlanCost) -> list[str]:
    """What no total has in it, a sentence each."""
    said = [f"{line.name}: {line.what}: {line.note}" for line in cost.of_kind("unknown")]
    said += [f"{count} x {type_}: nobody prices this type" for type_, count in cost.unpriced.items()]
    if cost.unseen:
        said.append(
            f"{cost.unseen} resources stay as they are, so that the preview document does not show them: "
            "`yard cost --stack STACK` sees all"
        )
    return said


def assumptions(cost: PlanCost) -> str:
    """The assumptions that a cost rests on, with their values."""
    shown = [text for line in cost.lines for text in line.assumption.split(", ") if text]
    if cost.runs:
        shown += [f"run_hours = {cost.usage.run_hours:g}", f"run_nodes = {cost.usage.run_nodes}"]
    order = {name: index for index, name in enumerate(NAMES)}
    return ", ".join(sorted(dict.fromkeys(shown), key=lambda text: (order[text.split(" ")[0].partition(".")[0]], text)))


def sum_of(amounts: Iterable[float | None]) -> float | None:
    """A sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def free_counts(cost: PlanCost) -> dict[str, int]:
    """How many resources cost nothing, by the reason."""
    found: dict[str, int] = {}
    for line in cost.of_kind("free"):
        found[line.note] = found.get(line.note, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def quantity(line: Line) -> str:
    """How much of what, such as `730 hour`."""
    unit = line.unit if not line.unit[:1].isdigit() else f"x {line.unit}"
    return f"{line.quantity:,.6g} {unit}".strip()
