"""Scores as bars in SVG, small enough to be written by hand: a bar a row, its range as a line, colours by CSS."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _ROW = 360, 32
_LEFT, _RIGHT = 6, 38
"""Room for the scale's ends, in the drawing's units: about a pixel each on a phone, so that its words can be read."""
_TOP = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the picture."""

    label: str
    value: float | None
    """From 0 to 1; None: no score."""
    low: float | None
    high: float | None
    faint: bool
    """Whether it is not ranked."""


def draw_bars(bars: Sequence[Bar], title: str) -> Markup:
    """The picture, with the label above each bar so that it reads on a narrow screen too."""
    height = _TOP + _ROW * len(bars) + 26
    parts = [
        Markup('<svg class="bars" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, height, title),
        *(_tick(share / 4, height) for share in range(5)),
        *(_bar(bar, _TOP + _ROW * place) for place, bar in enumerate(bars)),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def _bar(bar: Bar, top: float) -> Markup:
    kind = "bar faint" if bar.faint else "bar"
    label = Markup('<text class="label" x="{}" y="{:.1f}">{}</text>').format(_LEFT, top + 12, bar.label)
    if bar.value is None:
        return label + Markup('<text class="value" x="{}" y="{:.1f}">no score</text>').format(_LEFT, top + 26)
    drawn = Markup('<g><title>{}</title><rect class="{}" x="{}" y="{:.1f}" width="{:.1f}" height="11"/>').format(
        _words(bar), kind, _LEFT, top + 17, _x(bar.value) - _LEFT
    )
    end = _x(bar.value)
    if bar.low is not None and bar.high is not None and bar.high - bar.low > 1e-9:
        drawn += Markup('<path class="range" d="M{:.1f} {:.1f}H{:.1f}M{:.1f} {:.1f}v7M{:.1f} {:.1f}v7"/>').format(
            _x(bar.low), top + 22.5, _x(bar.high), _x(bar.low), top + 19, _x(bar.high), top + 19
        )
        end = max(end, _x(bar.high))
    drawn += Markup('<text class="value" x="{:.1f}" y="{:.1f}">{:.2f}</text></g>').format(end + 6, top + 27, bar.value)
    return label + drawn


def _words(bar: Bar) -> str:
    if bar.low is None or bar.high is None:
        return f"{bar.label}: {bar.value:.2f}"
    return f"{bar.label}: {bar.value:.2f}, from {bar.low:.2f} to {bar.high:.2f} by what is unknown"


def _tick(share: float, height: float) -> Markup:
    x = _x(share)
    line = Markup('<path class="grid" d="M{:.1f} {}V{}"/>').format(x, _TOP, height - 20)
    return line + Markup('<text class="tick" x="{:.1f}" y="{}">{}</text>').format(x, height - 6, escape(f"{share:g}"))


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
