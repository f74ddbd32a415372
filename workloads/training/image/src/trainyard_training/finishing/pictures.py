"""The report's pictures as PNG. The same numbers are the same bytes, with the same version of matplotlib."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _VERMILION = "#0072B2", "#D55E00"
"""Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design")."""

_DOTS_PER_INCH = 100
_MOST_LABELS_WITH_NUMBERS = 20
_SHEET_COLUMNS = 4
_MOST_FEATURES = 20


def draw_confusions(confusions: Sequence[Sequence[int]], names: Sequence[str]) -> bytes:
    """The confusion matrix: rows are true labels, columns answers; darker is a larger share of the row."""
    counts = np.asarray(confusions, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(*(min(12.0, 3.0 + 0.4 * len(names)),) * 2)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(title="Confusion matrix of the test split", xlabel="answer", ylabel="label")
    if len(names) <= _MOST_LABELS_WITH_NUMBERS:
        axes.set_xticks(range(len(names)), [_plain(name) for name in names], rotation=90)
        axes.set_yticks(range(len(names)), [_plain(name) for name in names])
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    return _png(figure)


def draw_training(history: Sequence[Mapping[str, Any]]) -> bytes:
    """Training loss by step, and test accuracy where the run measured it.

    :param history: Entries of the step log, at least one: ``step``, ``loss``, and ``test_accuracy`` in some.
    """
    figure = _figure(7.0, 4.0)
    axes = figure.add_subplot()
    dots = "o" if len(history) == 1 else ""
    axes.plot([entry["step"] for entry in history], [entry["loss"] for entry in history], dots + "-", color=_VERMILION)
    axes.set(title="Training", xlabel="step")
    axes.set_ylabel("training loss", color=_VERMILION)
    axes.grid(alpha=0.3)
    measured = [entry for entry in history if entry.get("test_accuracy") is not None]
    if measured:
        other = axes.twinx()
        other.plot(
            [entry["step"] for entry in measured], [entry["test_accuracy"] for entry in measured], "o--", color=_BLUE
        )
        other.set_ylabel("test accuracy", color=_BLUE)
    return _png(figure)


def draw_saliency(
    images: NDArray[Any],
    attributions: NDArray[np.float32],
    labels: Sequence[str],
    answers: Sequence[str],
) -> bytes:
    """Each image beside itself with what speaks for the answer in red and what speaks against it in blue.

    :param images: Raw images (count, channels, height, width), at least one.
    :param attributions: Of the same shape; channels are added up.
    :param labels: The true label of each; ``answers``: what the model says.
    """
    maps = attributions.sum(axis=1)
    columns = min(_SHEET_COLUMNS, len(images))
    rows = -(-len(images) // columns)
    height, width = 1.0, images.shape[3] / images.shape[2]
    step_across, step_down = 2 * width + 0.35, height + 0.3
    figure = _figure(1.3 * columns * step_across, 1.3 * rows * step_down, layout=None)
    # One pair of axes for all: a pair for each image would take most of the time of the report.
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for place, (image, salient, label, answer) in enumerate(zip(images, maps, labels, answers, strict=True)):
        row, column = divmod(place, columns)
        left, bottom = column * step_across, -row * step_down
        plain = (left, left + width, bottom, bottom + height)
        overlaid = (plain[1] + 0.05, plain[1] + 0.05 + width, bottom, bottom + height)
        _show_image(axes, image, plain)
        _show_image(axes, image.astype(np.float64).mean(axis=0, keepdims=True), overlaid)
        largest = max(float(np.abs(salient).max()), 1e-12)
        alpha = np.abs(salient) / largest
        axes.imshow(salient, cmap="bwr", vmin=-largest, vmax=largest, alpha=alpha, extent=overlaid)
        colour = "black" if label == answer else _VERMILION
        axes.text(plain[0], plain[3] + 0.05, f"is {_plain(label)}", fontsize=8)
        axes.text(overlaid[0], overlaid[3] + 0.05, f"called {_plain(answer)}", fontsize=8, color=colour)
    axes.set_axis_off()
    axes.set(xlim=(-0.15, columns * step_across - 0.15), ylim=(-(rows - 1) * step_down - 0.08, step_down - 0.08))
    return _png(figure)


def draw_importance(attributions: NDArray[np.float32]) -> bytes:
    """The features that matter most: bars of the mean size of their part in the answer's logit.

    :param attributions: Of shape (count, features), at least one of each.
    """
    importance = np.abs(attributions).mean(axis=0)
    first = np.argsort(-importance, kind="stable")[:_MOST_FEATURES]
    figure = _figure(7.0, 1.2 + 0.25 * len(first))
    axes = figure.add_subplot()
    axes.barh(range(len(first)), importance[first], color=_BLUE)
    axes.set_yticks(range(len(first)), [f"feature {position}" for position in first])
    axes.invert_yaxis()
    axes.set(title="Most important features", xlabel="mean part in the answer's logit")
    return _png(figure)


def _figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> "Figure":
    # Without pyplot, which would keep every figure and choose a window system.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def _png(figure: "Figure") -> bytes:
    drawn = io.BytesIO()
    # The version of matplotlib is no part of the picture.
    figure.savefig(drawn, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return drawn.getvalue()


def _show_image(axes: "Axes", image: NDArray[Any], extent: tuple[float, float, float, float]) -> None:
    """Three channels are red, green and blue; any other number is shown as the mean of them, in grey."""
    low, high = float(image.min()), float(image.max())
    scaled = (image.astype(np.float64) - low) / max(high - low, 1e-12)
    if len(image) == 3:
        axes.imshow(scaled.transpose(1, 2, 0), extent=extent)
    else:
        axes.imshow(scaled.mean(axis=0), cmap="gray", vmin=0, vmax=1, extent=extent)


def _plain(name: str) -> str:
    """A label as it is written: matplotlib takes what is between two dollar signs for a formula."""
    return name.replace("$", r"\$")
