"""Schedules as a Gantt chart: a panel for each scheduler, a band for each node, a row in it for each GPU."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from planning.jobs.comparison import SchedulerComparison, SchedulerResult, teams_of
from planning.jobs.model import Workload
from planning.jobs.schedule import Placement
from planning.pictures import PALETTE, picture_bytes

_MOST_NAMES = 80
"""With more jobs than this their names would cover each other."""


def draw_gantt(workload: Workload, comparison: SchedulerComparison, suffix: str) -> bytes:
    """The chart as PNG or SVG: `suffix` is `.png` or `.svg`."""
    panels = len(comparison.results)
    height = min(40.0, 1.2 + panels * (0.9 + 0.16 * workload.gpus))
    figure = Figure(figsize=(11, height), layout="constrained")
    all_axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    for result, axes in zip(comparison.results, all_axes, strict=True):
        _draw(workload, result, axes)
    all_axes[-1].set_xlabel("hours (simulated)")
    teams = teams_of(workload)
    if len(teams) > 1:
        figure.legend(
            handles=[Patch(color=_colour(teams, team), label=team or "no team") for team in teams],
            loc="outside lower center",
            ncols=min(8, len(teams)),
            frameon=False,
        )
    return picture_bytes(figure, suffix, dpi=110)


def _draw(workload: Workload, result: SchedulerResult, axes: Axes) -> None:
    teams = teams_of(workload)
    bottom = 0
    ticks = []
    for node in workload.nodes:
        here = [each for each in result.schedule.placements if each.node == node.name]
        for each, rows in _rows(workload, here, node.gpus):
            job = workload.by_name[each.job]
            for first, count in _runs(rows):
                axes.broken_barh(
                    [(each.start, each.end - each.start)],
                    (bottom + first, count),
                    facecolors=_colour(teams, job.team),
                    edgecolor="white",
                    linewidth=0.8,
                )
            if len(workload.jobs) <= _MOST_NAMES:
                first, count = _runs(rows)[0]
                axes.text(
                    (each.start + each.end) / 2, bottom + first + count / 2, each.job, ha="center", va="center",
                    fontsize=7, clip_on=True,
                )  # fmt: skip
        ticks.append((bottom + node.gpus / 2, node.name))
        bottom += node.gpus
        axes.axhline(bottom, color="#BBBBBB", linewidth=0.8)
    axes.set_ylim(bottom, 0)
    axes.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.spines[["top", "right"]].set_visible(False)
    metrics = result.metrics
    axes.set_title(
        f"{result.label}: {metrics.makespan_hours:.2f} h, {metrics.utilisation:.0%} utilised, "
        f"mean wait {metrics.mean_wait_hours:.2f} h",
        loc="left",
        fontsize=10,
    )


def _rows(workload: Workload, placements: list[Placement], gpus: int) -> list[tuple[Placement, list[int]]]:
    """GPUs of a node for each job; which ones is for the picture only."""
    free_from = [0.0] * gpus
    rows = []
    for each in placements:
        free = [gpu for gpu in range(gpus) if free_from[gpu] <= each.start + 1e-6]
        taken = free[: workload.by_name[each.job].gpus]
        for gpu in taken:
            free_from[gpu] = each.end
        rows.append((each, taken))
    return rows


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    """First and count of each group of neighbours."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((row, 1))
    return runs


def _colour(teams: Sequence[str], team: str) -> str:
    return PALETTE[list(teams).index(team) % len(PALETTE)]
