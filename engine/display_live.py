"""The display for a terminal: the tree of resources, redrawn in place while a deployment runs, then the summary.

The only module that needs rich, which owns the region of the terminal that is redrawn.
"""

import threading
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.style import Style
from rich.text import Text

from engine.display_options import DisplayOptions
from engine.display_record import Record
from engine.display_summary import message_lines, summary_lines
from engine.display_text import STYLES, Line, Span, clean_line
from engine.display_tree import tree_lines
from engine.events import Diagnostic, Event, Finished, Severity

_REDRAWS_PER_SECOND = 8
_RESERVED_ROWS = 2

_STYLES = {
    name: Style.parse(
        {"1;35": "bold magenta", "1": "bold", "90": "bright_black"}.get(code)
        or {"31": "red", "32": "green", "33": "yellow", "34": "blue", "35": "magenta", "36": "cyan"}[code]
    )
    for name, code in STYLES.items()
}


class LiveDisplay:
    """Shows events in a terminal; `show` and the redrawing thread take turns."""

    def __init__(
        self,
        options: DisplayOptions,
        stream: TextIO | None = None,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        redraw_by_itself: bool = True,
    ) -> None:
        """Tests give a recording `console`, a `clock` in seconds, and call `redraw` themselves."""
        self._options = options
        self._clock = clock
        self._record = Record(show_same=options.show_same)
        self._lock = threading.Lock()
        self._closed = False
        self._console = console or Console(
            file=stream, force_terminal=True, no_color=not options.colour, highlight=False, emoji=False, markup=False
        )
        self._print([[Span(f"{options.title} ({clean_line(options.stack)}):", "heading")], []])
        self._live = Live(
            console=self._console,
            get_renderable=self._picture,
            auto_refresh=redraw_by_itself,
            refresh_per_second=_REDRAWS_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def show(self, event: Event) -> None:
        """Takes note of the event; the next redrawing shows it."""
        with self._lock:
            row = self._record.add(event, self._clock())
        if row is None and isinstance(event, Diagnostic) and event.severity != Severity.ERROR:
            # Before there is a tree to show it in.
            self._print(message_lines(event, ""))
        if isinstance(event, Finished):
            self.close()

    def redraw(self) -> None:
        """Draws the tree as it is now."""
        self._live.refresh()

    def close(self) -> None:
        """Leaves the whole tree on the screen as it is at the end, and the summary below it; once."""
        if self._closed:
            return
        self._closed = True
        self._live.vertical_overflow = "visible"
        self._live.stop()
        self._print([[], *summary_lines(self._record, action=self._options.noun, planned=self._options.planned)])

    def _picture(self) -> Group:
        with self._lock:
            size = self._console.size
            lines = tree_lines(
                self._record,
                planned=self._options.planned,
                now=self._clock(),
                width=size.width,
                most_rows=None if self._closed else max(size.height - _RESERVED_ROWS, 3),
                done=self._closed,
            )
        return Group(*map(_text, lines))

    def _print(self, lines: list[Line]) -> None:
        for line in lines:
            self._console.print(_text(line), soft_wrap=True)


def _text(line: Line) -> Text:
    text = Text(no_wrap=True, overflow="crop", end="")
    for span in line:
        text.append(span.text, _STYLES.get(span.style))
    text.rstrip()
    text.end = "\n"
    return text
