"""How the page on a change says things: operations, types, money, and text that may try to deceive. Pure."""

import re
from typing import Final

from lifecycle.changes.report import Operation

_MINUS: Final = "\N{MINUS SIGN}"
MARKS: Final[dict[Operation, str]] = {"create": "+", "update": "~", "replace": "±", "delete": _MINUS, "same": "="}
_TOLD: Final[dict[Operation, str]] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "same": "unchanged",
}
_UNSEEN: Final = re.compile(
    # Controls but tab and newline; the soft hyphen; what has no width; what turns the direction of writing round
    # (Unicode Technical Report 36, "Unicode Security Considerations"); separators of lines; tags; halves of a pair.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def told(operation: Operation) -> str:
    """Return what happens to a resource, as a participle."""
    return _TOLD[operation]


def visible(text: str) -> str:
    """Return the text with a name, such as `\\u{202e}`, for each character that changes what is seen unseen."""
    return _UNSEEN.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", text)


def short_type(token: str) -> str:
    """Return a type without its module's file, as the Pulumi CLI does: `aws:s3/bucket:Bucket` is `aws:s3:Bucket`."""
    parts = token.split(":")
    if len(parts) == 3 and "/" in parts[1]:
        module, _, file = parts[1].rpartition("/")
        if file.lower() == parts[2].lower():
            return f"{parts[0]}:{module}:{parts[2]}"
    return token


def middle_left_out(text: str, longest: int) -> str:
    """Return the text in at most `longest` characters, with an ellipsis for its middle."""
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def counted(count: int, one: str, more: str = "") -> str:
    """Return a number with its noun."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def dollars(amount: float, places: int = 2) -> str:
    """Return US dollars."""
    return f"{_MINUS if round(amount, places) < 0 else ''}${abs(amount):,.{places}f}"


def difference(before: float, after: float, places: int = 2) -> str:
    """Return how many US dollars more or fewer; `±$0.00` where the difference is less than can be shown."""
    amount = round(after - before, places)
    sign = "+" if amount > 0 else _MINUS if amount < 0 else "±"
    return f"{sign}${abs(amount):,.{places}f}"


def direction(before: float, after: float, places: int = 2) -> str:
    """Return `more`, `less` or `equal`, as far as can be shown."""
    amount = round(after - before, places)
    return "more" if amount > 0 else "less" if amount < 0 else "equal"
