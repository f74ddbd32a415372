"""A comparison in the terminal: the ranking, what it rests on, what is unknown, and what was left out."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.tables import say
from planning.comparison.criteria import CriterionName
from planning.comparison.rendering import words
from planning.comparison.report import Comparison

_COLUMN_WIDTH = 17
"""Characters of the widest column of a criterion, with the space before it."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints everything but the sources, which take a page: --sources, --html and --json have them."""
    say(console, words.asked(comparison))
    say(console, words.answer(comparison))
    console.print(_ranking(comparison))
    for names in _groups(comparison, console.width):
        console.print(_figures(comparison, names))
    if any(each.rough for found in comparison.measured.values() for each in found.values()):
        say(console, "~ derived, assumed or modelled, as its source says")
    for sentence in words.notes(comparison):
        say(console, sentence)
    if comparison.ranges:
        _head(console, "How far a weight can move with the first still first")
        for each in comparison.ranges:
            say(console, f"  {words.weight_range(each)}")
    _list(console, "Unknown", [f"{what}: {why}" for what, why in words.unknown(comparison)])
    _list(console, "Left out", [f"{each.what}: {each.why}" for each in comparison.left_out])
    console.print()
    say(console, _last_line(comparison))


def print_sources(comparison: Comparison, console: Console) -> None:
    """Prints every figure with what it is of and the numbers of its sources, and the sources."""
    numbers = {source: number for number, source in enumerate(comparison.sources, 1)}
    _head(console, "Figures")
    for row in comparison.ranking.rows:
        for name, found in comparison.measured[row.key].items():
            cited = ", ".join(str(numbers[source]) for source in found.sources)
            say(console, f"  {row.key} {name} {found.text}: {found.detail}" + (f" [{cited}]" if cited else ""))
    _head(console, "Sources")
    for source, number in numbers.items():
        say(console, f"  [{number}] {source.text} ({source.as_of or 'no date'}, {source.basis})")


def _ranking(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("region", no_wrap=True)
    table.add_column("place", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("range", justify="right", no_wrap=True)
    table.add_column("coverage", justify="right", no_wrap=True)
    for row in comparison.ranking.rows:
        bounded = row.lowest is not None and row.highest is not None and row.highest > row.lowest
        table.add_row(
            "-" if row.rank is None else str(row.rank),
            Text(str(row.key)),
            Text(comparison.candidates[row.key].region.place),
            "-" if row.score is None else f"{row.score:.2f}",
            f"{row.lowest:.2f} - {row.highest:.2f}" if bounded else "",
            f"{100 * row.coverage:.0f} %",
            style="dim" if row.rank is None else "",
        )
    return table


def _figures(comparison: Comparison, names: Sequence[CriterionName]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("region", no_wrap=True)
    for name in names:
        unit, weight = comparison.unit_of(name), comparison.ranking.weights[name]
        table.add_column(Text(f"{name}\n{unit}\nweight {weight:g}", justify="right"), justify="right", no_wrap=True)
    for row in comparison.ranking.rows:
        cells = []
        for name in names:
            found = comparison.measured[row.key][name]
            mark = "~" if found.rough else ""
            cells.append(Text(f"{mark}{found.amount}", style="" if found.value is not None else "yellow"))
        table.add_row(Text(str(row.key)), *cells, style="dim" if row.rank is None else "")
    return table


def _groups(comparison: Comparison, width: int) -> Iterator[Sequence[CriterionName]]:
    """The criteria, as many at a time as fit beside the regions."""
    left = max(len(str(place)) for place in comparison.measured)
    columns = max(1, (width - left) // _COLUMN_WIDTH)
    for start in range(0, len(comparison.criteria), columns):
        yield comparison.criteria[start : start + columns]


def _last_line(comparison: Comparison) -> str:
    days = sorted({source.as_of for source in comparison.sources if source.as_of})
    when = " to ".join(str(day) for day in dict.fromkeys((days[0], days[-1])))
    return (
        f"{len(comparison.sources)} sources of {when}; newest price {comparison.as_of}. "
        "--sources prints them, --html and --json carry them."
    )


def _list(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        _head(console, title)
        for line in lines:
            say(console, f"  {line}")


def _head(console: Console, title: str) -> None:
    console.print()
    console.print(title, style="bold", markup=False, highlight=False)
