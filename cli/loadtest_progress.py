"""Tells on standard error how far `yard loadtest` is: a line that moves in a terminal, plain ones elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


class Progress:
    """Which protocol is tried with how many clients, until the block ends."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bars.add_task("connecting")

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def report(self, protocol: str, concurrency: int) -> None:
        """Shows what is being tried."""
        text = f"{protocol}: {concurrency} client{'s' if concurrency > 1 else ''}"
        if self._console.is_terminal:
            self._bars.update(self._task, description=text)
        else:
            print(f"yard: {text}", file=sys.stderr, flush=True)
