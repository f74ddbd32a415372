"""Coloured lines of text: what every view of a deployment is made of, and how foreign text is made harmless.

A line is a list of spans, so that views can be computed, compared and cut to a width without a terminal; only the last
step turns spans into escape sequences. Text from programs and providers passes through `clean` or `quote` first: it can
neither move the cursor nor change the title of the terminal, nor be taken for markup.
"""

import json
import re
import unicodedata
from typing import Final, NamedTuple


class Span(NamedTuple):
    """Text in one style; `style` is empty or a key of `STYLES`."""

    text: str
    style: str = ""


Line = list[Span]

STYLES: Final = {
    "create": "32",
    "update": "33",
    "delete": "31",
    "replace": "35",
    "read": "36",
    "heading": "1;35",
    "resource": "34",
    "error": "31",
    "warning": "33",
    "dim": "90",
    "bold": "1",
}
"""Styles by their meaning, as the parameters of ECMA-48's SGR sequence."""

# CSI, OSC and the other string sequences, two-byte escapes; ECMA-48, 5.4-5.6.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
# Control characters but the newline; marks that reverse the direction of text; the byte order mark; lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The text without terminal sequences, other control characters escaped; newlines stay, tabs become spaces."""
    if text.isascii() and text.isprintable():
        return text
    text = _SEQUENCES.sub("", text).replace("\r\n", "\n").expandtabs(4)
    return _escape(text)


def clean_line(text: str) -> str:
    """The text on one line: control characters, terminal sequences and newlines included, are shown escaped."""
    if text.isascii() and text.isprintable():
        return text
    return _escape(text).replace("\n", "\\n")


def quote(text: str) -> str:
    """The text as a quoted string on one line."""
    return _escape(json.dumps(text, ensure_ascii=False))


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def fit(line: Line, width: int) -> Line:
    """The line, cut to `width` columns with an ellipsis where it is longer."""
    if sum(columns(span.text) for span in line) <= width:
        return line
    room = max(width - 1, 0)
    kept: Line = []
    for span in line:
        if columns(span.text) <= room:
            kept.append(span)
            room -= columns(span.text)
            continue
        text = ""
        for character in span.text:
            if columns(character) > room:
                break
            text += character
            room -= columns(character)
        kept.append(Span(text + "…", span.style))
        break
    return kept


def plain(line: Line) -> str:
    """The line without its styles and without blanks at its end."""
    return "".join(span.text for span in line).rstrip()


def to_text(line: Line, *, colour: bool) -> str:
    """The line as it is written to a stream."""
    if not colour:
        return plain(line)
    return "".join(
        f"\x1b[{STYLES[span.style]}m{span.text}\x1b[0m" if span.style else span.text for span in line
    ).rstrip()


def duration(seconds: float) -> str:
    """A duration for people: ``0.01s``, ``12s``, ``3m4s``, ``2h0m5s``."""
    if seconds < 10:
        return f"{seconds:.2f}s"
    return whole_duration(seconds)


def whole_duration(seconds: float) -> str:
    """A duration in whole seconds, rounded up: nothing takes ``0s``."""
    whole = max(int(-(-seconds // 1)), 1)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def counted(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
