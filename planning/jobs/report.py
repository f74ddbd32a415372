"""Schedules as people read them in a terminal, and as machines read them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from planning.jobs.comparison import SchedulerComparison
from planning.jobs.model import Workload
from planning.jobs.plan import Plan


def print_schedules(workload: Workload, comparison: SchedulerComparison, console: Console) -> None:
    """Prints a row for each scheduler, what is proven of the plan, and the best schedule job by job."""

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(
        f"Simulated: {_count(len(workload.jobs), 'job')} on {_count(len(workload.nodes), 'node')} with "
        f"{_count(workload.gpus, 'GPU')}."
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("scheduler", no_wrap=True)
    for heading in ("busy", "utilised", "makespan", "wait", "slowdown", "fairness"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in comparison.results:
        metrics = each.metrics
        table.add_row(
            each.label,
            f"{metrics.busy_gpus:.2f}",
            f"{metrics.utilisation:.1%}",
            f"{metrics.makespan_hours:.2f} h",
            f"{metrics.mean_wait_hours:.2f} h",
            f"{metrics.mean_slowdown:.2f}",
            f"{metrics.fairness:.3f}",
        )
    console.print(table)
    line("busy: GPUs that work on average over the makespan, f(x) = Σ uᵢ; wait and slowdown: means of all jobs.")
    if comparison.plan is not None:
        line(_proof(comparison.plan))
    if not comparison.estimates_hold:
        line("Jobs do not take as long as estimated: schedulers knew the estimates, the table shows what came of them.")
    line(f"\n{comparison.best.label}, job by job (hours):")
    console.print(_jobs(workload, comparison))


def as_document(workload: Workload, comparison: SchedulerComparison) -> Mapping[str, Any]:
    """The same as a JSON document; times are hours, shares are of 1."""
    plan = comparison.plan
    return {
        "simulated": True,
        "jobs": len(workload.jobs),
        "nodes": [asdict(node) for node in workload.nodes],
        "estimates_hold": comparison.estimates_hold,
        "schedulers": [
            {
                "name": each.name,
                "label": each.label,
                **asdict(each.metrics),
                "placements": [asdict(placement) for placement in each.schedule.placements],
            }
            for each in comparison.results
        ],
        "best": comparison.best.name,
        "plan": None
        if plan is None
        else {
            "method": plan.method,
            "estimated_makespan_hours": plan.schedule.makespan,
            "lower_bound_hours": plan.lower_bound_hours,
            "gap": plan.gap,
            "waits_are_proven": plan.waits_are_proven,
        },
    }


def _proof(plan: Plan) -> str:
    makespan = f"The plan ({plan.method}) takes {plan.schedule.makespan:.2f} h by estimates"
    if plan.gap:
        least = f"{plan.lower_bound_hours:.2f} h"
        return f"{makespan}; none takes less than {least}, so that it is within {plan.gap:.1%} of the best."
    waits = "; of such plans, none lets the worst-off team wait less" if plan.waits_are_proven else ""
    return f"{makespan}; it is proven that none is shorter{waits}."


def _jobs(workload: Workload, comparison: SchedulerComparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("job", "team", "node"):
        table.add_column(heading)
    for heading in ("GPUs", "start", "end"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in comparison.best.schedule.placements:
        job = workload.by_name[each.job]
        table.add_row(each.job, job.team, each.node, str(job.gpus), f"{each.start:.2f}", f"{each.end:.2f}")
    return table


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
