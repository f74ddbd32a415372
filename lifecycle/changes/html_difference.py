"""What two texts have in common, line by line and then within a line, for showing one beside the other. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

_CONTEXT: Final = 3
"""Equal lines that are shown before and after a difference."""
_SHORTEST_FOLD: Final = 4
_MOST_LINES: Final = 400
"""More than this many that differ are told as one difference: comparing takes their square."""
_LEAST_IN_COMMON: Final = 0.3
"""Of the longer line's characters, for marking where two lines differ rather than all of them."""
_WORD: Final = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Some lines that follow each other."""

    kind: Literal["equal", "folded", "changed"]
    """`folded`: equal, and far from any difference."""
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]

    @property
    def text_before(self) -> str:
        """The lines before, joined."""
        return "".join(piece.text for piece in self.before)

    @property
    def text_after(self) -> str:
        """The lines after, joined."""
        return "".join(piece.text for piece in self.after)


def compare(before: str, after: str) -> tuple[Hunk, ...]:
    """Return both texts in hunks; each side's hunks, joined by newlines where they have any lines, are that text."""
    old, new = before.split("\n"), after.split("\n")
    hunks: list[Hunk] = []
    blocks = _blocks(old, new)
    for number, (kind, old_from, old_to, new_from, new_to) in enumerate(blocks):
        if kind == "equal":
            hunks.extend(_equal(old[old_from:old_to], first=number == 0, last=number == len(blocks) - 1))
        else:
            left, right = _marked(old[old_from:old_to], new[new_from:new_to])
            hunks.append(Hunk(kind="changed", before=left, after=right))
    return tuple(hunks)


def _blocks(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Return what difflib calls opcodes, without its own shortcuts and with one for what would take too long."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    old_to, new_to = len(old) - tail, len(new) - tail
    blocks: list[tuple[str, int, int, int, int]] = []
    if head:
        blocks.append(("equal", 0, head, 0, head))
    if max(old_to, new_to) - head > _MOST_LINES:
        blocks.append(("replace", head, old_to, head, new_to))
    else:
        inner = SequenceMatcher(None, old[head:old_to], new[head:new_to], autojunk=False)
        blocks.extend(
            (kind, one + head, two + head, three + head, four + head)
            for kind, one, two, three, four in inner.get_opcodes()
        )
    if tail:
        blocks.append(("equal", old_to, len(old), new_to, len(new)))
    return blocks


def _equal(lines: list[str], *, first: bool, last: bool) -> list[Hunk]:
    """Return equal lines with what is far from a difference folded."""
    head = 0 if first else _CONTEXT
    tail = 0 if last else _CONTEXT
    if len(lines) - head - tail < _SHORTEST_FOLD:
        return [_same("equal", lines)]
    hunks = [_same("equal", lines[:head])] if head else []
    hunks.append(_same("folded", lines[head : len(lines) - tail]))
    if tail:
        hunks.append(_same("equal", lines[len(lines) - tail :]))
    return hunks


def _same(kind: Literal["equal", "folded"], lines: list[str]) -> Hunk:
    pieces = (Piece("\n".join(lines), differs=False),)
    return Hunk(kind=kind, before=pieces, after=pieces)


def _marked(old: Sequence[str], new: Sequence[str]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both sides of a difference; where the lines are as many, with what differs in each."""
    if len(old) != len(new):
        return _unmarked(old), _unmarked(new)
    left: list[Piece] = []
    right: list[Piece] = []
    for number, (one, other) in enumerate(zip(old, new, strict=True)):
        newline = "\n" if number else ""
        start, end = _common_ends(one, other)
        left.extend(_pieces(newline, one, start, end))
        right.extend(_pieces(newline, other, start, end))
    return tuple(left), tuple(right)


def _unmarked(lines: Sequence[str]) -> tuple[Piece, ...]:
    return (Piece("\n".join(lines), differs=False),) if lines else ()


def _pieces(newline: str, line: str, start: int, end: int) -> list[Piece]:
    inner = len(line) - end
    if not start and not end:
        return [Piece(newline + line, differs=False)]
    pieces = [
        Piece(newline + line[:start], differs=False),
        Piece(line[start:inner], differs=True),
        Piece(line[inner:], differs=False),
    ]
    return [piece for piece in pieces if piece.text]


def _common_ends(one: str, other: str) -> tuple[int, int]:
    """Return how many characters both begin and end with, whole words; 0, 0 where that is little."""
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    while start and _splits_word(one, start, start - 1) | _splits_word(other, start, start - 1):
        start -= 1
    end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)
    while end and _splits_word(one, len(one) - end - 1, len(one) - end) | _splits_word(
        other, len(other) - end - 1, len(other) - end
    ):
        end -= 1
    if start + end < _LEAST_IN_COMMON * max(len(one), len(other)):
        return 0, 0
    return start, end


def _splits_word(text: str, outside: int, inside: int) -> bool:
    """Whether both characters belong to a word."""
    return 0 <= outside < len(text) and bool(_WORD.match(text[outside]) and _WORD.match(text[inside]))
