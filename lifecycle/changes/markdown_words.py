"""Foreign text in Markdown: shown as it is, whatever it is. Pure.

What a change calls its resources is its author's to choose. Such text stands in HTML's `code`, in which GitHub and
GitLab look for no mention and no reference, and every character that means something in Markdown, HTML or a table is a
numeric reference, which by CommonMark's rules is never taken for structure. Characters that turn the direction of
writing, or show nothing, are told by their number.
"""

import json
import re
import unicodedata
from typing import Any

from lifecycle.changes.report import NOT_TOLD

_SPECIAL = re.compile(r"[&<>`*_~\[\]|\\#@$]|:(?=/)|(?<=[wW]{3})\.")
_LONGEST = 160


def code(text: str, most: int = _LONGEST) -> str:
    """The text as code, on one line; what is longer is cut."""
    return f"<code>{escaped(shortened(text, most))}</code>"


def value(value: Any, most: int = _LONGEST) -> str:
    """A JSON value as code; what stands for one is not in quotes."""
    if isinstance(value, str) and value.startswith(NOT_TOLD):
        return code(value, most)
    return code(json.dumps(value, ensure_ascii=False), most)


def shortened(text: str, most: int) -> str:
    """The text on one line, cut where it is longer."""
    flat = " ".join(text[: most * 8].split())
    return flat if len(flat) <= most and len(text) <= most * 8 else f"{flat[: most - 1]}…"


def escaped(text: str) -> str:
    """The text with nothing in it that could mean something."""
    shown = "".join(character if _is_visible(character) else f"\\u{ord(character):04x}" for character in text)
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", shown)


def preformatted(text: str, most: int) -> str:
    """Several lines as they are, cut where they are longer."""
    lines = [escaped(line) for line in text[:most].splitlines()]
    more = "\n…" if len(text) > most else ""
    return "<pre>" + "\n".join(lines) + more + "</pre>"


def _is_visible(character: str) -> bool:
    # Cc: controls; Cf: directions and joiners; Cs: halves of characters; Zl, Zp: other kinds of line ends.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
