"""A comparison as one page of HTML that needs nothing else: no request leaves it, and everything in it is escaped."""

from pathlib import Path

import jinja2

from planning.comparison.criteria import CRITERIA, Source
from planning.comparison.features import FEATURES
from planning.comparison.rendering import words
from planning.comparison.rendering.bars import Bar, draw_bars
from planning.comparison.report import Comparison

_TEMPLATE = "page.html.jinja"


def as_page(comparison: Comparison) -> str:
    """The page, with a table that can be sorted, a picture, and a numbered list of all sources."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = {source: number for number, source in enumerate(comparison.sources, 1)}
    bars = [
        Bar(f"{row.rank or '-'}  {row.key}", row.score, row.lowest, row.highest, row.rank is None)
        for row in comparison.ranking.rows
    ]
    features = [
        (
            name,
            meaning,
            [
                (row.offered, numbers[Source(row.source, row.as_of, "published")]) if row else None
                for row in (comparison.features.of(cloud, name) for cloud in comparison.clouds)
            ],
        )
        for name, meaning in FEATURES.items()
    ]
    return environment.get_template(_TEMPLATE).render(
        comparison=comparison,
        criteria=[CRITERIA[name] for name in comparison.criteria],
        units={name: comparison.unit_of(name) for name in comparison.criteria},
        numbers=numbers,
        words=words,
        picture=draw_bars(bars, "Scores, from 0 to 1"),
        features=features,
    )
