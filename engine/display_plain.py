"""The display for logs and pipes: a line when an operation on a resource starts and one when it ends, then the summary.

``PlainDisplay`` reads like the Pulumi CLI without a terminal; ``DifferenceDisplay`` like `pulumi … --diff`.
"""

from typing import TextIO

from engine import display_difference
from engine import urn as urns
from engine.display_operations import label
from engine.display_options import DisplayOptions
from engine.display_record import SAME, Record, Row
from engine.display_summary import display_name, display_type, message_lines, summary_lines
from engine.display_text import Line, Span, clean, clean_line, duration, to_text
from engine.events import (
    Diagnostic,
    Event,
    Finished,
    Operation,
    OutputsRegistered,
    Severity,
    StepFailed,
    StepFinished,
    StepStarted,
)


class PlainDisplay:
    """Writes lines as events come; `close` ends with what is known where the last event never came."""

    def __init__(self, options: DisplayOptions, stream: TextIO) -> None:
        self._options = options
        self._stream = stream
        self._record = Record(show_same=options.show_same)
        self._closed = False
        self._abandoned = False
        self.write([[Span(f"{options.title} ({clean_line(options.stack)}):", "heading")]])

    def show(self, event: Event) -> None:
        """Shows one event."""
        row = self._record.add(event)
        self.write(self.lines_for(event, row))
        if isinstance(event, Finished):
            self.close()

    def close(self) -> None:
        """Writes the summary, once."""
        if self._closed:
            return
        self._closed = True
        lines = summary_lines(self._record, action=self._options.noun, planned=self._options.planned)
        self.write([[], *lines])

    def write(self, lines: list[Line]) -> None:
        """Writes and flushes, so that a log that is followed is up to date.

        A reader that has gone away (`yard up | head`) ends the display, not the deployment.
        """
        if not lines or self._abandoned:
            return
        text = "".join(f"{to_text(line, colour=self._options.colour)}\n" for line in lines)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except BrokenPipeError:
            self._abandoned = True

    def lines_for(self, event: Event, row: Row | None) -> list[Line]:
        """What to write for an event."""
        if row is None:
            # Before the stack is known; an error there ends the run, and the summary follows at once.
            if isinstance(event, Diagnostic) and event.severity != Severity.ERROR:
                return [_first_line(event)]
            return []
        planned = self._options.planned
        match event:
            case StepStarted() if planned and event.logical:
                return [self.row_line(row, label(event.operation).symbol, label(event.operation).plan)]
            case StepStarted() if not planned and event.custom and _does_something(event.operation):
                return [self.row_line(row, label(event.operation).symbol, label(event.operation).running)]
            case StepFinished() if not planned and (_does_something(event.operation) or event.operation == SAME):
                words = label(event.operation)
                took = f" ({duration(event.seconds)})" if row.custom and event.operation != SAME else ""
                return [self.row_line(row, words.symbol, words.done + took)]
            case StepFailed():
                words = label(event.operation)
                return [self.row_line(row, words.symbol, f"**{words.running} failed**", failed=True)]
            case Diagnostic():
                return [self.row_line(row, label(row.operation).symbol, "", _first_line(event), difference=False)]
            case _:
                return []

    def row_line(
        self,
        row: Row,
        symbol: str,
        status: str,
        message: Line | None = None,
        *,
        failed: bool = False,
        difference: bool = True,
    ) -> Line:
        """`` +  TYPE NAME created (1.20s) [diff: ~name]``."""
        style = label(row.operation).style
        line = [
            Span(" "),
            Span(symbol, style),
            Span(f" {display_type(row.urn)} {display_name(row.urn)}"),
            Span(f" {status}" if status else "", "error" if failed else style),
        ]
        if difference and row.difference and not failed:
            line.append(Span(f" [diff: {row.difference}]"))
        return [*line, Span(" "), *message] if message else line


def _first_line(diagnostic: Diagnostic) -> Line:
    """A message as it comes; the summary has all of it."""
    lines = message_lines(diagnostic, "")
    return [*lines[0], Span(" …")] if len(lines) > 1 else lines[0]


def _does_something(operation: str) -> bool:
    """A replacement as a whole is told by its two halves."""
    return operation not in (SAME, Operation.REPLACE)


class DifferenceDisplay(PlainDisplay):
    """Writes each changed resource with its properties, old and new."""

    def lines_for(self, event: Event, row: Row | None) -> list[Line]:
        """What to write for an event."""
        match event:
            case StepStarted() if event.urn == self._record.stack and row is None:
                return self._resource_lines(event, protected=False)
            case StepStarted() if row is not None and event.logical:
                return self._resource_lines(event, protected=row.protected)
            case Diagnostic() if not event.ephemeral and (row is not None or event.severity != Severity.ERROR):
                return [_first_line(event)]
            case StepFailed() if row is not None:
                return super().lines_for(event, row)
            case OutputsRegistered() if event.changed and event.urn != self._record.stack:
                return self._output_lines(event)
            case _:
                return []

    def _indent(self, urn: str) -> int:
        shown = [
            parent
            for parent in self._record.ancestors(urn)
            if parent in self._record.rows or parent == self._record.stack
        ]
        return 4 * len(shown)

    def _resource_lines(self, step: StepStarted, *, protected: bool) -> list[Line]:
        indent = self._indent(step.urn)
        words = label(step.operation)
        old, new = step.old_state or {}, step.new_state or {}
        lock = " [protected]" if protected else ""
        head = f"{words.symbol}{display_type(step.urn)}: ({words.plan or step.operation}){lock}"
        lines: list[Line] = [[Span(" " * indent), Span(head, words.style)]]
        identifier = old.get("id") or new.get("id")
        if identifier:
            lines.append([Span(f"{' ' * (indent + 4)}[id={clean_line(str(identifier))}]")])
        lines.append([Span(f"{' ' * (indent + 4)}[urn={clean_line(step.urn)}]")])
        if old.get("provider") and new.get("provider") and old["provider"] != new["provider"]:
            change = f"{_provider_name(old['provider'])} => {_provider_name(new['provider'])}"
            lines.append([Span(" " * (indent + 2)), Span(f"~ [provider: {change}]", "update")])
        return lines + self._property_lines(step, indent + 4)

    def _property_lines(self, step: StepStarted, indent: int) -> list[Line]:
        old, new = step.old_state or {}, step.new_state or {}
        if step.operation == SAME or step.urn == self._record.stack:
            return []
        if old and new:
            before, after = display_difference.complete_for(step.detailed_diff, old, new)
            detailed = _marks(step)
            return display_difference.difference_lines(before, after, indent, detailed)
        return display_difference.property_lines((new or old).get("inputs") or {}, indent)

    def _output_lines(self, event: OutputsRegistered) -> list[Line]:
        if event.urn not in self._record.parents or not self._options.show_component_outputs:
            return []
        lines = display_difference.difference_lines(
            event.old_outputs or {}, event.new_outputs or {}, self._indent(event.urn) + 4, only_changes=True
        )
        return [[Span(f"{' ' * (self._indent(event.urn) + 4)}--outputs:--")], *lines] if lines else []


def _marks(step: StepStarted) -> dict[str, dict[str, object]]:
    """The detailed difference, with changes of secrets and the reasons for a replacement that it does not name."""
    detailed: dict[str, dict[str, object]] = {path: {"kind": "update"} for path in step.changed_secrets}
    detailed |= step.detailed_diff or {}
    before = (step.old_state or {}).get("inputs") or {}
    after = (step.new_state or {}).get("inputs") or {}
    for reason in step.replace_reasons:
        if not any(path == reason or path.startswith((f"{reason}.", f"{reason}[")) for path in detailed):
            kind = "add" if reason not in before else "delete" if reason not in after else "update"
            if reason in before or reason in after:
                detailed[reason] = {"kind": f"{kind}-replace"}
        elif reason in detailed and not str(detailed[reason].get("kind")).endswith("-replace"):
            detailed[reason] = {**detailed[reason], "kind": f"{detailed[reason].get('kind', 'update')}-replace"}
    return detailed


def _provider_name(reference: str) -> str:
    try:
        urn, _ = urns.split_provider_reference(reference)
        return f"{display_type(urn)} {display_name(urn)}"
    except (ValueError, IndexError):
        return clean(reference)
