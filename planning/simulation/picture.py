"""A simulated comparison as a picture: what each policy costs, and what each did in the first run."""

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from planning.pictures import BLUE, GREEN, GREY, SKY_BLUE, VERMILION, picture_bytes
from planning.simulation.comparison import Comparison
from planning.simulation.report import BOUND_LABEL, runs_in_words
from planning.simulation.simulate import IDLE, ON_DEMAND, SPOT
from planning.simulation.study import Study, Timeline
from planning.simulation.task import Task

_COLOURS = {int(SPOT): GREEN, int(ON_DEMAND): VERMILION, int(IDLE): "#E5E5E5"}
_NAMES = {int(SPOT): "spot", int(ON_DEMAND): "on demand", int(IDLE): "idle or done"}


def draw_study(task: Task, study: Study, suffix: str) -> bytes:
    """The picture as PNG or SVG: `suffix` is `.png` or `.svg`."""
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    costs, timeline = figure.subplots(2, 1)
    _draw_costs(study.comparison, costs)
    _draw_timeline(task, study.timeline, timeline)
    figure.suptitle(
        f"Simulated: {task.work_hours:g} h of work within {task.deadline_hours:g} h, "
        f"{runs_in_words(study.comparison.runs)}, spot available {study.comparison.spot_share:.0%} of the time"
    )
    return picture_bytes(figure, suffix)


def _draw_costs(comparison: Comparison, axes: Axes) -> None:
    rows = [(each.label, each.usd, each.missed) for each in comparison.results]
    rows.append((BOUND_LABEL, comparison.bound, 0))
    for place, (_, usd, missed) in enumerate(rows):
        reach = None if usd.high is None else usd.high - usd.mean
        bar = axes.barh(place, usd.mean, xerr=reach, color=BLUE if place < len(rows) - 1 else GREY, capsize=3)
        note = f"${usd.mean:,.2f}" + (f", {missed} late" if missed else "")
        axes.bar_label(bar, labels=[note], padding=6 if reach is None else 10)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("US dollars a run, mean and 95 % confidence")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_timeline(task: Task, timeline: Timeline, axes: Axes) -> None:
    labels = ["Spot available", *(label for label, _ in timeline.modes)]
    _draw_spans(axes, 0, timeline.step_hours, timeline.available.astype(int).tolist(), {1: SKY_BLUE})
    for place, (_, modes) in enumerate(timeline.modes, start=1):
        _draw_spans(axes, place, timeline.step_hours, modes.tolist(), _COLOURS)
    axes.axvline(task.deadline_hours, color="black", linewidth=1)
    axes.text(task.deadline_hours, -0.6, "deadline", ha="right", va="bottom")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("hours, in the first run")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        handles=[Patch(color=_COLOURS[mode], label=name) for mode, name in _NAMES.items()],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=len(_NAMES),
        frameon=False,
    )


def _draw_spans(axes: Axes, place: int, step_hours: float, values: list[int], colours: dict[int, str]) -> None:
    start = 0
    for value, group in groupby(values):
        length = len(list(group))
        if value in colours:
            axes.broken_barh(
                [(start * step_hours, length * step_hours)], (place - 0.35, 0.7), facecolors=colours[value], linewidth=0
            )
        start += length
