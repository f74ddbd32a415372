"""A simulated comparison as a picture: what each policy costs, and what each did in the first run."""

from itertools import groupby
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from planning.errors import PlanningError
from planning.simulation.comparison import Comparison
from planning.simulation.report import BOUND_LABEL, runs_in_words
from planning.simulation.simulate import IDLE, ON_DEMAND, SPOT
from planning.simulation.study import Study, Timeline
from planning.simulation.task import Task

# Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design").
_COLOURS = {int(SPOT): "#009E73", int(ON_DEMAND): "#D55E00", int(IDLE): "#E5E5E5"}
_NAMES = {int(SPOT): "spot", int(ON_DEMAND): "on demand", int(IDLE): "idle or done"}
_AVAILABLE = "#56B4E9"


def check_picture_path(path: Path) -> None:
    """Refuse what cannot be drawn, before anything is computed. Raises PlanningError."""
    if path.suffix not in (".png", ".svg"):
        raise PlanningError(f"picture = {str(path)!r}: must end in .png or .svg")
    if not path.resolve().parent.is_dir():
        raise PlanningError(f"picture = {str(path)!r}: must be in a folder that exists")


def save_picture(task: Task, study: Study, path: Path) -> None:
    """Writes the picture as PNG or SVG, by the name's ending. Raises PlanningError where it cannot be written."""
    check_picture_path(path)
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    costs, timeline = figure.subplots(2, 1)
    _draw_costs(study.comparison, costs)
    _draw_timeline(task, study.timeline, timeline)
    figure.suptitle(
        f"Simulated: {task.work_hours:g} h of work within {task.deadline_hours:g} h, "
        f"{runs_in_words(study.comparison.runs)}, spot available {study.comparison.spot_share:.0%} of the time"
    )
    try:
        # The same study is the same file: no date, and names of parts that do not depend on the run.
        with mpl.rc_context({"svg.hashsalt": "trainyard"}):
            figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    except OSError as error:
        raise PlanningError(f"picture = {str(path)!r}: cannot be written: {error.strerror}") from None


def _draw_costs(comparison: Comparison, axes: Axes) -> None:
    rows = [(each.label, each.usd, each.missed) for each in comparison.results]
    rows.append((BOUND_LABEL, comparison.bound, 0))
    for place, (_, usd, missed) in enumerate(rows):
        reach = None if usd.high is None else usd.high - usd.mean
        bar = axes.barh(place, usd.mean, xerr=reach, color="#0072B2" if place < len(rows) - 1 else "#999999", capsize=3)
        note = f"${usd.mean:,.2f}" + (f", {missed} late" if missed else "")
        axes.bar_label(bar, labels=[note], padding=6 if reach is None else 10)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("US dollars a run, mean and 95 % confidence")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_timeline(task: Task, timeline: Timeline, axes: Axes) -> None:
    labels = ["Spot available", *(label for label, _ in timeline.modes)]
    _draw_spans(axes, 0, timeline.step_hours, timeline.available.astype(int).tolist(), {1: _AVAILABLE})
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
