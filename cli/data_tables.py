"""How the commands of `yard data` lay out what they print."""

from collections.abc import Mapping, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table


def column_table(columns: Sequence[str], *, left: int = 1) -> Table:
    """A table whose first columns are text, and whose others are figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right", no_wrap=True)
    return table


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Prints names and values, a line each."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        typer.echo(f"{name:<{width}}  {value}")


def print_list(console: Console, head: str, lines: Sequence[str]) -> None:
    """Prints lines below a head; nothing where there are none."""
    if lines:
        console.print(f"\n{head}:", highlight=False)
    for line in lines:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms" if seconds else "0"
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
