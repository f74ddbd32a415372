"""Tells on standard error what `yard prices refresh` reads: a line that moves in a terminal, plain ones elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """What is being read now, until the block ends."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bars.add_task("prices")

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def report(self, cloud: str, text: str) -> None:
        """Shows what is being read."""
        if self._console.is_terminal:
            self._bars.update(self._task, description=f"{cloud} {text}")
        else:
            print(f"{cloud} {text}", file=sys.stderr)
