"""Shows how far a benchmark is: a bar in a terminal, a line for each step elsewhere."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """Counts and names the steps of the benchmarks that run; used as a context manager."""

    def __init__(self, total: int, console: Console) -> None:
        """`total` is the number of calls of `next` to come."""
        self._total = total
        self._done = 0
        self._console = console
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def of(self, benchmark: str) -> Callable[[str], None]:
        """`next` for the steps of one benchmark."""
        return lambda what: self.next(f"{benchmark}: {what}")

    def next(self, what: str) -> None:
        """The step before is done, and this one begins."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done - 1, description=what)
        else:
            self._console.print(f"[{self._done}/{self._total}] {what}", markup=False, highlight=False, soft_wrap=True)
