"""The tree of resources as lines: who belongs to whom, what is done to each, and what was last said of it. Pure.

Unchanged resources appear only where something below them changes. Where the terminal has too few rows, what runs or
has failed is kept, and what is done is folded into one line that counts it.
"""

from typing import Final

from engine.display_operations import label
from engine.display_record import SAME, Record, Row
from engine.display_summary import display_name, display_type, message_lines
from engine.display_text import Line, Span, columns, counted, duration, fit
from engine.events import Operation, Severity

SPINNER: Final = "|/-\\"
_SPINNER_SECONDS: Final = 0.12


def tree_lines(
    record: Record, *, planned: bool, now: float, width: int, most_rows: int | None = None, done: bool = False
) -> list[Line]:
    """The table of resources: symbol, type in the tree, name, plan or status, info.

    `now` is a moment of the clock that `Record.add` was given; `done` draws the final tree, which stands still.
    """
    visible = _visible(record)
    ordered = _ordered(record, visible)
    hidden = 0
    if most_rows is not None and len(ordered) + 1 > most_rows:
        ordered, hidden = _fold(record, ordered, max(most_rows - 2, 1))
    cells = [_cells(record, urn, depths, planned=planned, now=now, done=done) for urn, depths in ordered]
    header = [Span("Type", "bold"), Span("Name", "bold"), Span("Plan" if planned else "Status", "bold")]
    widths = [
        max([columns(header[index].text), *(columns(row[index + 1].text) for row, _ in cells)]) for index in range(3)
    ]
    lines = [_assemble([Span("  "), *header], widths, [Span("Info", "bold")])]
    lines += [_assemble(row, widths, info) for row, info in cells]
    if hidden:
        lines.append([Span(f"    … and {counted(hidden, 'more resource')}", "dim")])
    return [fit(line, width) for line in lines]


def _assemble(cells: list[Span], widths: list[int], info: Line) -> Line:
    symbol, *rest = cells
    line = [Span(" "), symbol, Span("  ")]
    for cell, width in zip(rest, widths, strict=True):
        line += [cell, Span(" " * (width - columns(cell.text) + 2))]
    return [*line, *info]


def _visible(record: Record) -> set[str]:
    visible = {urn for urn, row in record.rows.items() if row.is_interesting or record.show_same}
    for urn in list(visible):
        parent = record.parents.get(urn, "")
        while parent and parent not in visible:
            visible.add(parent)
            parent = record.parents.get(parent, "")
    if record.stack:
        visible.add(record.stack)
    return visible


def _ordered(record: Record, visible: set[str]) -> list[tuple[str, tuple[bool, ...]]]:
    """Depth first, siblings in the order of their first events; with each, whether it and its parents are last."""
    order = [urn for urn in record.parents if urn in visible]
    # Parents of which nothing was heard yet: a deletion begins with the children.
    order += sorted(urn for urn in visible if urn not in record.parents)
    children: dict[str, list[str]] = {}
    for urn in order:
        parent = record.parents.get(urn, "") or (record.stack if urn != record.stack else "")
        if parent not in visible or parent == urn:
            parent = ""
        children.setdefault(parent, []).append(urn)
    found: list[tuple[str, tuple[bool, ...]]] = []
    pending: list[tuple[str, tuple[bool, ...]]] = [(urn, ()) for urn in reversed(children.get("", []))]
    while pending:
        urn, depths = pending.pop()
        found.append((urn, depths))
        below = children.get(urn, [])
        pending += [(child, (*depths, index == 0)) for index, child in enumerate(reversed(below))]
    return found


def _fold(
    record: Record, ordered: list[tuple[str, tuple[bool, ...]]], room: int
) -> tuple[list[tuple[str, tuple[bool, ...]]], int]:
    """The `room` most telling rows in their order: the stack, failures, what runs, then what is newest."""

    def rank(position: int) -> tuple[int, int]:
        row = record.rows.get(ordered[position][0])
        if ordered[position][0] == record.stack:
            return 0, 0
        if row is None:
            return 4, -position
        return (1 if row.failed else 2 if row.running else 3), -position

    kept = sorted(sorted(range(len(ordered)), key=rank)[:room])
    return [ordered[position] for position in kept], len(ordered) - len(kept)


def _cells(
    record: Record, urn: str, depths: tuple[bool, ...], *, planned: bool, now: float, done: bool
) -> tuple[list[Span], Line]:
    row = record.rows.get(urn)
    branches = "".join("   " if last else "│  " for last in depths[:-1])
    if depths:
        branches += "└─ " if depths[-1] else "├─ "
    words = label(_shown_operation(row))
    status = _status(row, planned=planned, now=now, done=done)
    if urn == record.stack and not status.text and not done:
        status = Span(f"running {spinner(now)}")
    return (
        [Span(words.symbol, words.style), Span(branches + display_type(urn)), Span(display_name(urn)), status],
        _info(row, done=done),
    )


def _shown_operation(row: Row | None) -> str:
    if row is None:
        return SAME
    physical = {
        str(Operation.CREATE_REPLACEMENT),
        str(Operation.DELETE_REPLACED),
    }
    return str(Operation.REPLACE) if row.operation in physical else row.operation


def _status(row: Row | None, *, planned: bool, now: float, done: bool) -> Span:
    if row is None:
        return Span("")
    words = label(row.step if row.running and not planned else _shown_operation(row))
    if row.failed:
        return Span(f"**{label(row.step).running} failed**" if label(row.step).running else "**failed**", "error")
    if row.operation == SAME and row.step == SAME:
        return Span("")
    if planned:
        return Span(words.plan, words.style)
    if row.running and done:
        return Span(f"**{words.running} interrupted**", "warning")
    if row.running:
        return Span(f"{words.running} ({int(max(now - row.started, 0))}s) {spinner(now)}", words.style)
    if words is label(Operation.REPLACE) and not row.replaced:
        words = label(Operation.DELETE_REPLACED)
    took = f" ({duration(row.seconds)})" if row.custom else ""
    return Span(words.done + took, words.style)


def spinner(now: float) -> str:
    """The spinner's picture at a moment."""
    return SPINNER[int(now / _SPINNER_SECONDS) % len(SPINNER)]


def _info(row: Row | None, *, done: bool) -> Line:
    if row is None:
        return []
    parts: list[Line] = []
    if row.difference:
        parts.append([Span("[diff: "), Span(row.difference, label(_shown_operation(row)).style), Span("]")])
    if done:
        nouns = {
            Severity.ERROR: "error",
            Severity.WARNING: "warning",
            Severity.INFO: "message",
            Severity.DEBUG: "debug",
        }
        for severity, noun in nouns.items():
            count = row.messages.get(str(severity), 0)
            if count:
                style = str(severity) if severity in (Severity.ERROR, Severity.WARNING) else ""
                parts.append([Span(counted(count, noun), style)])
    elif row.last_message is not None:
        parts.append(message_lines(row.last_message, "")[0])
    return [span for index, part in enumerate(parts) for span in ([Span("; ")] if index else []) + part]
