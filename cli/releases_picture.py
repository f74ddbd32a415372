"""The releases of a service as a picture: accuracy, latency, throughput and size, a row for each version."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from planning.capacity.measurement import PERCENTILES
from planning.pictures import BLUE, GREY, ORANGE, VERMILION, picture_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cli.releases_measured import Measured
    from cli.releases_report import Report

_MARKERS = {50: ("o", BLUE), 95: ("s", ORANGE), 99: ("D", VERMILION)}


def draw(report: "Report", suffix: str) -> bytes:
    """The picture, as PNG or SVG. A figure that was not measured has no mark.

    :param suffix: `.png` or `.svg`.
    """
    releases = report.releases
    figure = Figure(figsize=(10, 3 + 0.9 * len(releases)), layout="constrained")
    (accuracy, latency), (throughput, size) = figure.subplots(2, 2, sharey=True)
    # Points, since bars from 0 on would hide what good models differ by, and other bars would be no measure.
    _dots(accuracy, [each.accuracy for each in releases], "o", BLUE, "through the server")
    _dots(accuracy, [each.model.accuracy for each in releases], "x", VERMILION, "as the manifest says")
    accuracy.set_xlabel("accuracy on the run's test examples")
    for percent in PERCENTILES:
        values = [each.single.latency_ms(percent) if each.single else None for each in releases]
        _dots(latency, values, *_MARKERS[percent], f"p{percent}")
    _dots(latency, [each.model.latency_ms for each in releases], "x", GREY, "without server, as the manifest says")
    latency.set_xlim(left=0)
    latency.set_xlabel("milliseconds of one example")
    _bars(throughput, [each.examples_per_second for each in releases], "examples a second, in full batches")
    _bars(size, [each.model.bytes / 1024 for each in releases], "KiB of the model")
    for axes in (accuracy, throughput):
        axes.set_yticks(range(len(releases)), labels=[_name(each) for each in releases])
    accuracy.invert_yaxis()
    for axes in (accuracy, latency, throughput, size):
        axes.grid(visible=True, axis="x", alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    figure.suptitle(f"{report.model}: its releases through {report.protocol}")
    return picture_bytes(figure, suffix)


def _name(measured: "Measured") -> str:
    release = measured.release
    return f"{release.version}: {measured.model.variant or 'model'}, {release.percent}%\nrun {release.run}"


def _bars(axes: "Axes", values: Sequence[float | None], told: str) -> None:
    axes.barh(range(len(values)), [value or 0.0 for value in values], height=0.6, color=BLUE)
    axes.set_xlabel(told)


def _dots(axes: "Axes", values: Sequence[float | None], marker: str, colour: str, label: str) -> None:
    there = [(value, row) for row, value in enumerate(values) if value is not None]
    if there:
        axes.plot(*zip(*there, strict=True), marker, color=colour, markersize=7, label=label)
