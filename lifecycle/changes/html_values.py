"""A property's values before and after as what the page shows: texts side by side, long ones folded. Pure."""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from lifecycle.changes.html_difference import Hunk, Piece, compare
from lifecycle.changes.html_words import counted, visible
from lifecycle.changes.report import NOT_TOLD, SECRET, UNKNOWN, PropertyChange

_MOST_CHARACTERS: Final = 20_000
"""What of a value is shown at most."""
_LONG_LINES: Final = 12
_LONG_CHARACTERS: Final = 700
_PREVIEW: Final = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Some lines of one side."""

    pieces: tuple[Piece, ...]
    preview: str
    """What is shown of a folded one; empty: it is short enough to be shown."""
    size: str
    """How long a folded one is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What stands side by side."""

    kind: Literal["equal", "folded", "changed"]
    before: Cell | None
    """None where there is nothing on this side."""
    after: Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property's line in the page."""

    path: str
    kind: Literal["added", "removed", "changed"]
    replaces: bool
    note: str
    """What else there is to say of the values; often empty."""
    special: tuple[bool, bool]
    """Whether the values before and after stand for others."""
    rows: tuple[Row, ...]


def shown(change: PropertyChange) -> Property:
    """Return what the page shows of a property that differs."""
    before, after, notes = _texts(change.before, change.after)
    if change.kind == "added":
        rows: tuple[Row, ...] = (Row(kind="changed", before=None, after=_whole(after)),)
    elif change.kind == "removed":
        rows = (Row(kind="changed", before=_whole(before), after=None),)
    else:
        hunks = compare(before, after)
        rows = tuple(_row(hunk) for hunk in hunks)
        if all(hunk.kind != "changed" for hunk in hunks):
            # Two secrets, or values that are written alike: that they differ is known.
            rows = (Row(kind="changed", before=_whole(before), after=_whole(after)),)
    if isinstance(change.after, str) and change.after.startswith(UNKNOWN):
        notes.append("known only after a deployment")
    if SECRET in (change.before, change.after) and change.kind == "changed":
        notes.append("a secret: that it differs is known, its value is not shown")
    return Property(
        path=change.path,
        kind=change.kind,
        replaces=change.replaces,
        note="; ".join(notes),
        special=(_stands_for_another(change.before), _stands_for_another(change.after)),
        rows=rows,
    )


def _texts(before: Any, after: Any) -> tuple[str, str, list[str]]:
    """Return both values as texts: JSON on several lines, also where a string holds it; other strings as they are."""
    notes: list[str] = []
    one, other = _inner_json(before), _inner_json(after)
    if one is not None and other is not None and one != other:
        notes.append("JSON in a string")
        texts = _pretty(one), _pretty(other)
    elif (before is None and other is not None) or (after is None and one is not None):
        notes.append("JSON in a string")
        texts = (
            _pretty(one) if one is not None else _as_text(before),
            _pretty(other) if other is not None else _as_text(after),
        )
    else:
        texts = _as_text(before), _as_text(after)
    clipped = []
    for text in map(visible, texts):
        if len(text) > _MOST_CHARACTERS:
            notes.append(f"only the first {_MOST_CHARACTERS:,} of {len(text):,} characters are shown")
        clipped.append(text[:_MOST_CHARACTERS])
    return clipped[0], clipped[1], list(dict.fromkeys(notes))


def _inner_json(value: Any) -> dict[str, Any] | list[Any] | None:
    """Return the object or array that a string is."""
    if not isinstance(value, str) or value[:1].strip() not in ("{", "[") or len(value) > _MOST_CHARACTERS:
        return None
    try:
        inner = json.loads(value, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) and inner else None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that is there twice, of which reading would hide one."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _as_text(value: Any) -> str:
    """Return strings as they are, but in quotes where they would look like another value or like nothing."""
    if not isinstance(value, str):
        return _pretty(value)
    if _stands_for_another(value):
        return value
    if not value or value != value.strip() or value in ("true", "false", "null") or _is_number(value):
        return json.dumps(value, ensure_ascii=False)
    return value


def _pretty(value: Any) -> str:
    if isinstance(value, dict | list) and value:
        flat = json.dumps(value, ensure_ascii=False)
        if (
            isinstance(value, list)
            and len(flat) <= _PREVIEW
            and not any(isinstance(each, dict | list) for each in value)
        ):
            return flat
        return json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def _stands_for_another(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(NOT_TOLD)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(hunk: Hunk) -> Row:
    if hunk.kind == "folded":
        lines = counted(hunk.text_before.count("\n") + 1, "equal line")
        cell = Cell(pieces=hunk.before, preview=lines, size=lines)
        return Row(kind="folded", before=cell, after=cell)
    return Row(kind=hunk.kind, before=_cell(hunk.before), after=_cell(hunk.after))


def _whole(text: str) -> Cell | None:
    return _cell((Piece(text, differs=False),))


def _cell(pieces: tuple[Piece, ...]) -> Cell | None:
    if not pieces:
        return None
    text = "".join(piece.text for piece in pieces)
    lines = text.count("\n") + 1
    if lines <= _LONG_LINES and len(text) <= _LONG_CHARACTERS:
        return Cell(pieces=pieces, preview="", size="")
    size = counted(lines, "line") if lines > 1 else counted(len(text), "character")
    return Cell(pieces=pieces, preview=_preview(pieces, text), size=size)


def _preview(pieces: tuple[Piece, ...], text: str) -> str:
    """Return one line's worth of text, from shortly before what differs."""
    at = 0
    for piece in pieces:
        if piece.differs:
            break
        at += len(piece.text)
    start = max(at - 16, 0) if at < len(text) else 0
    part = " ".join(text[start : start + _PREVIEW].split())
    return f"{'…' if start else ''}{part}…"
