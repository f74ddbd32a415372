"""The Pareto front as a picture: what earlier ends cost."""

import html
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from planning.errors import PlanningError
from planning.fleet.plan import FleetPlan
from planning.fleet.report import pools_in_words

ENDINGS = (".png", ".svg", ".html")
# Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design").
_LINE, _POINT = "#0072B2", "#D55E00"


def check_picture_path(path: Path) -> None:
    """Raises PlanningError where no picture can be written, before anything is computed."""
    if path.suffix not in ENDINGS:
        raise PlanningError(f"picture = {str(path)!r}: must end in {', '.join(ENDINGS)}")
    if not path.resolve().parent.is_dir():
        raise PlanningError(f"picture = {str(path)!r}: must be in a folder that exists")


def save_picture(plans: Sequence[FleetPlan], path: Path, *, as_of: str) -> None:
    """Writes the front as PNG, SVG or a page of HTML that needs no net, by the name's ending.

    Raises PlanningError where it cannot be written.
    """
    check_picture_path(path)
    figure = _draw(plans, as_of)
    drawn = io.BytesIO()
    # Neither the day nor random names: the same front is the same file.
    with mpl.rc_context({"svg.hashsalt": "trainyard"}):
        if path.suffix == ".png":
            figure.savefig(drawn, format="png", dpi=150)
        else:
            figure.savefig(drawn, format="svg", metadata={"Date": None})
    content = drawn.getvalue()
    if path.suffix == ".html":
        content = _page(plans, content.decode("utf-8"), as_of).encode("utf-8")
    try:
        path.write_bytes(content)
    except OSError as error:
        raise PlanningError(f"picture = {str(path)!r}: cannot be written: {error.strerror or error}") from None


def _draw(plans: Sequence[FleetPlan], as_of: str) -> Figure:
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    hours, usd = [plan.hours for plan in plans], [plan.usd for plan in plans]
    # What costs so much can be had from then on: a step, not a slope.
    axes.step(hours, usd, where="post", color=_LINE, linewidth=1.2)
    axes.plot(hours, usd, "o", color=_POINT)
    # Above the first point and below the last one there is no line.
    for plan, aligned, above in ((plans[0], "left", 8), (plans[-1], "right", -28)):
        axes.annotate(
            f"{plan.hours:,.1f} h, ${plan.usd:,.2f}\n{pools_in_words(plan)}",
            (plan.hours, plan.usd),
            xytext=(6 if aligned == "left" else -6, above),
            textcoords="offset points",
            ha=aligned,
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("expected hours until the results are back (logarithmic)")
    axes.set_ylabel("expected cost in US dollars")
    axes.margins(x=0.12, y=0.2)
    axes.grid(visible=True, alpha=0.3)
    axes.set_title(f"Fleets of which none is both cheaper and earlier than another (prices as of {as_of})", fontsize=10)
    return figure


def _page(plans: Sequence[FleetPlan], svg: str, as_of: str) -> str:
    rows = "\n".join(
        f"<tr><td>{plan.hours:,.2f}</td><td>{plan.usd:,.2f}</td><td>{plan.gap:.2%}</td>"
        f"<td>{html.escape(pools_in_words(plan))}</td></tr>"
        for plan in plans
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fleets: cost and time</title>
<style>
body {{ font-family: sans-serif; max-width: 60rem; margin: 2rem auto }}
td, th {{ padding: .2rem .8rem; text-align: left }}
</style>
</head><body>
<h1>Fleets: cost and time</h1>
{svg[svg.index("<svg") :]}
<table><tr><th>hours</th><th>US dollars</th><th>gap</th><th>fleet</th></tr>
{rows}
</table>
<p>Expected values. Prices as of {as_of}; docs/fleet.md says what is modelled and assumed.</p>
</body></html>
"""
