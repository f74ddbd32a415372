"""What commands print beside each other: lines as they are, and tables as wide as what is in them."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 500


def print_whole(console: Console, table: Table) -> None:
    """Prints a table with no name cut or folded: in a narrow terminal it is the terminal that breaks lines."""
    wanted = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    console.width = max(console.width, wanted)
    console.print(table)


def say(console: Console, text: str) -> None:
    """Prints text as it is: nothing in it is taken for markup, and long lines are the terminal's to break."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
