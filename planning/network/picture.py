"""Scaling efficiency as a picture: what more GPUs are worth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from planning.network.allreduce import Scaling
from planning.pictures import BLUE, picture_bytes


def draw_scaling(rows: Sequence[Scaling], name: str, suffix: str) -> bytes:
    """The picture as PNG or SVG.

    :param rows: One or more, by their number of GPUs.
    :param name: Of the instance type.
    :param suffix: `.png` or `.svg`.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([row.gpus for row in rows], [row.efficiency for row in rows], marker="o", color=BLUE)
    axes.set_xscale("log", base=2)
    axes.set_xticks([row.gpus for row in rows], labels=[str(row.gpus) for row in rows], minor=False)
    axes.minorticks_off()
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("GPUs")
    axes.set_ylabel("share of a step that computes")
    axes.set_title(f"{name}: scaling efficiency, modelled")
    axes.grid(visible=True, alpha=0.3)
    return picture_bytes(figure, suffix)
