"""Shows a person what a deployment does: the displays, and which one suits a stream.

A display takes events one by one. In a terminal it is the live tree of resources, with the properties on request
(`diff`) a list of differences, elsewhere plain lines; all end with diagnostics, policies, outputs and a summary.
"""

import sys
from typing import Protocol, TextIO

from engine.display_options import Action, ColourChoice, DisplayOptions
from engine.events import Event

__all__ = ["Action", "ColourChoice", "Display", "DisplayOptions", "make_display"]


class Display(Protocol):
    """Consumes the events of one deployment."""

    def show(self, event: Event) -> None:
        """Shows one event, or remembers it for the summary."""

    def close(self) -> None:
        """Ends the display and leaves the terminal as it was; safe to call twice, and after an exception."""


def make_display(options: DisplayOptions, stream: TextIO | None = None) -> Display:
    """The display for the options; writes to `stream`, by default standard output."""
    stream = sys.stdout if stream is None else stream
    from engine import display_plain

    if options.diff:
        return display_plain.DifferenceDisplay(options, stream)
    if options.is_terminal:
        from engine import display_live

        return display_live.LiveDisplay(options, stream)
    return display_plain.PlainDisplay(options, stream)
