"""A load test as a picture: throughput, and below it latencies, over the number of clients."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from planning.capacity.measurement import PERCENTILES, percentile
from planning.pictures import BLUE, GREY, VERMILION, picture_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from planning.capacity.report import Curve, LoadTest

_COLOURS = {"http": BLUE, "grpc": VERMILION}
_DASHES = {50: ":", 95: "--", 99: "-"}


def draw(test: "LoadTest") -> bytes:
    """The picture as PNG. Every protocol has a colour and its knee a diamond; steps cut short are left out."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for curve in test.curves:
        _throughput(above, curve)
        _latencies(below, curve)
    if test.p99_limit_ms is not None:
        below.axhline(test.p99_limit_ms, color=GREY, linewidth=1, label=f"limit of p99: {test.p99_limit_ms:g} ms")
    drawn = [step for curve in test.curves for step in curve.load.steps if step.is_whole]
    for axes in (above, below):
        axes.grid(visible=True, alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    # A logarithmic axis needs something to show.
    if drawn:
        tried = sorted({step.concurrency for step in drawn})
        below.set_xscale("log", base=2)
        below.set_xticks(tried, labels=list(map(str, tried)), minor=False)
        below.minorticks_off()
    if any(step.latencies_ms for step in drawn):
        below.set_yscale("log")
    above.set_ylim(bottom=0)
    above.set_ylabel("requests answered a second")
    below.set_ylabel("latency in milliseconds")
    below.set_xlabel("clients at once")
    items = "1 item" if test.batch_size == 1 else f"{test.batch_size} items"
    above.set_title(f"{test.model}: load in a closed loop, {items} a request")
    return picture_bytes(figure, ".png")


def _throughput(axes: "Axes", curve: "Curve") -> None:
    steps = [step for step in curve.load.steps if step.is_whole]
    axes.plot(
        [step.concurrency for step in steps],
        [step.requests_per_second for step in steps],
        marker="o",
        markersize=4,
        color=_COLOURS[curve.protocol],
        label=curve.protocol,
    )
    if curve.knee:
        knee = curve.knee.step
        axes.plot(
            [knee.concurrency],
            [knee.requests_per_second],
            "D",
            color=_COLOURS[curve.protocol],
            markersize=9,
            label=f"{curve.protocol}: knee, {knee.requests_per_second:,.4g} a second with {knee.concurrency}",
        )


def _latencies(axes: "Axes", curve: "Curve") -> None:
    steps = [step for step in curve.load.steps if step.is_whole and step.latencies_ms]
    for percent in PERCENTILES:
        axes.plot(
            [step.concurrency for step in steps],
            [percentile(step.latencies_ms, percent) for step in steps],
            _DASHES[percent],
            marker="o",
            markersize=3,
            color=_COLOURS[curve.protocol],
            label=f"{curve.protocol} p{percent}",
        )
