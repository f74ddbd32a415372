"""Tells on standard error what a command is at: a line that moves in a terminal, plain ones elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class MovingLine:
    """What is being done now, until the block ends."""

    def __init__(self, first: str, *, mark: str = "") -> None:
        """:param first: What the line says before anything is told.
        :param mark: What plain lines begin with.
        """
        self._mark = mark
        self._console = Console(file=sys.stderr, highlight=False)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bars.add_task(first)

    def __enter__(self) -> "MovingLine":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def show(self, text: str) -> None:
        """Says what is being done."""
        if self._console.is_terminal:
            self._bars.update(self._task, description=text)
        else:
            print(f"{self._mark}{text}", file=sys.stderr, flush=True)
