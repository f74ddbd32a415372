"""Runs side by side as a picture: accuracy against cost and time, and how each of them has learnt."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from lifecycle.runs.report import ACCURACY
from planning.pictures import PALETTE, picture_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lifecycle.runs.curve import CurvePoint
    from lifecycle.runs.record import RunRecord

_MARKERS = "osD^vP*X"
_STYLES = ("-", "--", "-.", ":")


def draw(records: "Sequence[RunRecord]", curves: "Sequence[Sequence[CurvePoint]]", suffix: str) -> bytes:
    """The picture, as PNG or SVG; the same runs are the same bytes.

    :param curves: One for each run; empty where none was kept.
    :param suffix: `.png` or `.svg`.
    """
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    (by_cost, by_time), (loss, accuracy) = figure.subplots(2, 2)
    _scatter(by_cost, records, [record.cost.usd for record in records], "cost, US dollars")
    _scatter(by_time, records, [record.cost.seconds / 60 for record in records], "deployed, minutes")
    _lines(loss, curves, "training loss", [[(each.step, each.loss) for each in points] for points in curves])
    measured = [[(each.step, each.accuracy) for each in points if each.accuracy is not None] for points in curves]
    _lines(accuracy, curves, "accuracy on the test split", measured)
    handles, labels = by_cost.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(records), 4), fontsize=9, frameon=False)
    return picture_bytes(figure, suffix)


def _scatter(axes: "Axes", records: "Sequence[RunRecord]", values: Sequence[float], told: str) -> None:
    for number, (record, value) in enumerate(zip(records, values, strict=True)):
        reached = record.metrics.get(ACCURACY)
        # Without an accuracy a run has its name in the legend and no mark.
        there = ([value], [reached]) if reached is not None else ([], [])
        axes.plot(*there, _MARKERS[number % len(_MARKERS)], color=_colour(number), markersize=9, label=record.id)
    axes.set_xlim(0, max((*values, 0.01)) * 1.1)
    axes.set_xlabel(told)
    axes.set_ylabel("accuracy on the test split")
    axes.grid(visible=True, alpha=0.3)


def _lines(
    axes: "Axes",
    curves: "Sequence[Sequence[CurvePoint]]",
    told: str,
    points: "Sequence[Sequence[tuple[int, float]]]",
) -> None:
    for number, line in enumerate(points):
        if line:
            # Also told apart where one lies on the other.
            style, width = _STYLES[number % len(_STYLES)], 2.5 if number == 0 else 1.5
            axes.plot(*zip(*line, strict=True), style, color=_colour(number), linewidth=width)
    axes.set_xlabel("step")
    axes.set_ylabel(told)
    axes.grid(visible=True, alpha=0.3)
    if not any(points):
        said = "no step log was kept" if not any(curves) else "not measured while training"
        axes.text(0.5, 0.5, said, ha="center", va="center", transform=axes.transAxes)


def _colour(number: int) -> str:
    return PALETTE[number % len(PALETTE)]
