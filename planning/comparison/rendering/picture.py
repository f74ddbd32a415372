"""A comparison as one picture (PNG): scores with their range, and how each row does by every criterion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from planning.comparison.criteria import CRITERIA, CriterionName
from planning.comparison.rendering import words
from planning.comparison.report import Comparison
from planning.comparison.scoring import Row
from planning.network.places import Place
from planning.pictures import picture_bytes

_INK, _SOFT, _BAR, _FAINT = "#1c2430", "#566173", "#2f6db5", "#b7cbe4"
_DPI = 150
_MOST_ROWS = 30
"""More rows than that are not drawn; the picture says so."""


def as_png(comparison: Comparison) -> bytes:
    """The picture. The same comparison gives the same bytes, with the same version of matplotlib."""
    rows = comparison.ranking.rows[:_MOST_ROWS]
    names = [name for name in comparison.criteria if comparison.ranking.weights[name] > 0]
    figure = Figure(figsize=(5.2 + 0.92 * len(names), 2.3 + 0.42 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3.2, 0.92 * len(names)])
    places = np.arange(len(rows))
    scores = [row.score or 0.0 for row in rows]
    left.barh(places, scores, color=[_BAR if row.rank is not None else _FAINT for row in rows], height=0.55)
    for place, row in zip(places, rows, strict=True):
        if row.score is None or row.lowest is None or row.highest is None:
            left.text(0.01, place, "no score", va="center", fontsize=8, color=_SOFT)
            continue
        if row.highest - row.lowest > 1e-9:
            left.plot([row.lowest, row.highest], [place, place], color=_INK, linewidth=1.2, marker="|", markersize=7)
        left.text(max(row.score, row.highest) + 0.02, place, f"{row.score:.2f}", va="center", fontsize=8, color=_INK)
    left.set(
        xlim=(0, 1.12), xticks=np.linspace(0, 1, 5), yticks=places, xlabel="score, and its range by what is unknown"
    )
    left.set_yticklabels([f"{row.rank or '-'}  {row.key}" for row in rows], fontsize=9)
    left.set_ylim(len(rows) - 0.5, -0.5)
    left.spines[["top", "right"]].set_visible(False)
    left.tick_params(axis="x", labelsize=8)
    left.xaxis.label.set_size(8)
    _cells(right, comparison, rows, names)
    figure.suptitle(f"Clouds compared: {words.asked(comparison)}", x=0.01, ha="left", fontsize=11, color=_INK)
    hidden = len(comparison.ranking.rows) - len(rows)
    more = f" {hidden} more rows are not drawn." if hidden else ""
    figure.text(
        0.01,
        -0.02,
        f"Newest price {comparison.as_of}. Darker is better; ? is unknown.{more} Sources: yard compare --html, --json.",
        fontsize=7.5,
        color=_SOFT,
        va="top",
    )
    return picture_bytes(figure, ".png", dpi=_DPI, is_cropped=True)


def _cells(axes: Axes, comparison: Comparison, rows: Sequence[Row[Place]], names: Sequence[CriterionName]) -> None:
    """A grid: the value of each criterion, on a tint of how well it does."""
    for place, row in enumerate(rows):
        for column, name in enumerate(names):
            measurement = comparison.measured[row.key][name]
            share = row.normalised.get(name)
            colour = "#ffffff" if share is None else _tint(share)
            axes.add_patch(
                Rectangle((column - 0.5, place - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5)
            )
            text = "?" if measurement.value is None else measurement.amount
            axes.text(column, place, text, ha="center", va="center", fontsize=8, color=_INK)
    axes.set(xlim=(-0.5, len(names) - 0.5), xticks=range(len(names)), yticks=[])
    axes.set_xticklabels(
        [
            f"{CRITERIA[name].title}\n{comparison.unit_of(name)}\nweight {comparison.ranking.weights[name]:g}"
            for name in names
        ],
        fontsize=8,
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _tint(share: float) -> tuple[float, float, float]:
    """From near white, the worst, to a blue, the best, that dark words can still be read on."""
    worst, best = np.array([0xF3, 0xF5, 0xF8]) / 255, np.array([0x8F, 0xB8, 0xE6]) / 255
    red, green, blue = worst + share * (best - worst)
    return float(red), float(green), float(blue)
