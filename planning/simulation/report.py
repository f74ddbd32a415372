"""A simulated comparison as people read it in a terminal, and as machines read it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from planning.simulation.comparison import Comparison, Difference, Estimate
from planning.simulation.study import Study
from planning.simulation.task import Task

BOUND_LABEL = "Omniscient bound"


def print_study(task: Task, study: Study, console: Console) -> None:
    """Prints what was simulated, a row for each policy, and how the policies differ on the same runs."""
    comparison = study.comparison

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(
        f"Simulated: {task.work_hours:g} h of work within {task.deadline_hours:g} h, "
        f"starts of {task.changeover_hours:g} h"
        + (f", checkpoints every {task.checkpoint_hours:g} h of work" if task.checkpoint_hours else "")
        + f"; an hour on demand ${task.on_demand_usd_per_hour:,.4g}, on spot ${task.spot_usd_per_hour:,.4g}."
    )
    line(f"{runs_in_words(comparison.runs)}; spot was available for {comparison.spot_share:.0%} of the time.")
    for source in study.sources:
        line(f"  {source}")
    console.print(_policies(comparison))
    for each in comparison.differences:
        line(_difference(comparison, each))
    line(
        "\nOf the means, ± and 'to' are 95 % confidence (Student's t over the runs, or over their differences). Late "
        "runs are finished on demand. The bound is the best plan that knows each trace beforehand and keeps the "
        "deadline; excess is the cost above it."
    )


def as_document(task: Task, study: Study) -> Mapping[str, Any]:
    """The same as a JSON document. Money is US dollars, times are hours, shares are of 1."""
    comparison = study.comparison
    return {
        "simulated": True,
        "confidence": 0.95,
        "task": asdict(task),
        "sources": list(study.sources),
        "runs": comparison.runs,
        "spot_share": comparison.spot_share,
        "policies": [asdict(each) for each in comparison.results],
        "differences": [{**asdict(each), "is_certain": each.is_certain} for each in comparison.differences],
        "omniscient_bound_usd": asdict(comparison.bound),
    }


def runs_in_words(count: int) -> str:
    """How many runs, in words."""
    return "1 run, too few for an interval" if count == 1 else f"{count} runs"


def _policies(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for heading in ("cost", "saved", "excess", "late", "h spot", "h on demand"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in comparison.results:
        table.add_row(
            each.label,
            money(each.usd),
            f"{each.saved.mean:.0%}",
            f"{each.above_bound.mean:.0%}",
            str(each.missed),
            f"{each.spot_hours:.1f}",
            f"{each.on_demand_hours:.1f}",
        )
    on_demand = comparison.result_of("on_demand").usd.mean
    table.add_row(BOUND_LABEL, money(comparison.bound), f"{1 - comparison.bound.mean / on_demand:.0%}")
    return table


def _difference(comparison: Comparison, difference: Difference) -> str:
    labels = {each.name: each.label for each in comparison.results}
    one, other, usd = labels[difference.policy], labels[difference.than], difference.usd
    if abs(usd.mean) < 0.005 and not difference.is_certain:
        return f"{one}: as dear as {other}."
    if usd.low is None or usd.high is None or difference.is_certain:
        interval = "" if usd.low is None or usd.high is None else f" ({_range(usd.low, usd.high)})"
        return f"{one}: ${abs(usd.mean):,.2f} a run {'less' if usd.mean < 0 else 'more'} than {other}{interval}."
    return f"{one}: not told apart from {other} ({-usd.low:,.2f} less to {usd.high:,.2f} more)."


def _range(low: float, high: float) -> str:
    near, far = sorted((abs(low), abs(high)))
    return f"{near:,.2f} to {far:,.2f}"


def money(estimate: Estimate) -> str:
    """US dollars with the half width of the interval; without cents from a thousand on."""
    digits = 2 if estimate.mean < 1000 else 0
    if estimate.high is None:
        return f"${estimate.mean:,.{digits}f}"
    return f"${estimate.mean:,.{digits}f} ± {estimate.high - estimate.mean:,.{digits}f}"
