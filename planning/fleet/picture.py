"""The Pareto front as a picture: what earlier ends cost."""

import html
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from planning import pictures
from planning.fleet.plan import FleetPlan
from planning.fleet.report import pools_in_words

ENDINGS = (*pictures.ENDINGS, ".html")


def draw_front(plans: Sequence[FleetPlan], suffix: str, *, as_of: str) -> bytes:
    """The front as PNG, SVG or a page of HTML that needs no net: `suffix` is one of ENDINGS."""
    figure = _draw(plans, as_of)
    if suffix.lower() != ".html":
        return pictures.picture_bytes(figure, suffix, dpi=150)
    svg = pictures.picture_bytes(figure, ".svg").decode("utf-8")
    return _page(plans, svg, as_of).encode("utf-8")


def _draw(plans: Sequence[FleetPlan], as_of: str) -> Figure:
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    hours, usd = [plan.hours for plan in plans], [plan.usd for plan in plans]
    # What costs so much can be had from then on: a step, not a slope.
    axes.step(hours, usd, where="post", color=pictures.BLUE, linewidth=1.2)
    axes.plot(hours, usd, "o", color=pictures.VERMILION)
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
