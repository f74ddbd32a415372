"""Configuration values: their parts, their text, their types; pure functions.

A value is text, a secret, or an object (a list, a mapping, or what only a default can be: a bare number). A program
sees text: scalars as they are written in JSON, objects as compact JSON. How each becomes text, and which texts a
declared type accepts, follows the pulumi command (sdk/go/common/resource/config and workspace in its source).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Path = list[str | int]
"""A path into a value, such as `["names", 0]`."""

TYPES = ("string", "integer", "boolean", "array", "object")

_NAME = re.compile(r"[^.\[\]\"]+")
_INDEX = re.compile(r"\[(\d+)\]")
_QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that stands encrypted in the stack's file, as `secure: CIPHERTEXT`."""

    ciphertext: str


class Undecryptable(Exception):
    """There is a secret and nothing to decrypt it with."""


def from_yaml(value: Any) -> Any:
    """The same value with every `secure: …` mapping made a Secret."""
    if isinstance(value, dict):
        if list(value) == ["secure"] and isinstance(value["secure"], str):
            return Secret(value["secure"])
        return {key: from_yaml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_yaml(item) for item in value]
    return value


def to_yaml(value: Any) -> Any:
    """The inverse of `from_yaml`."""
    if isinstance(value, Secret):
        return {"secure": value.ciphertext}
    if isinstance(value, dict):
        return {key: to_yaml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_yaml(item) for item in value]
    return value


def as_value(raw: Any) -> Any:
    """A part of an object as a value of its own: scalars become their text."""
    return json_text(raw) if isinstance(raw, bool | int | float) else raw


def is_secret(value: Any) -> bool:
    """Whether there is a secret anywhere in the value."""
    return next(ciphertexts(value), None) is not None


def ciphertexts(value: Any) -> Iterator[str]:
    """The ciphertext of every secret in the value."""
    if isinstance(value, Secret):
        yield value.ciphertext
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from ciphertexts(item)


def reveal(value: Any, decrypt: Callable[[str], str] | None) -> Any:
    """The value with every secret decrypted. Raises Undecryptable without a `decrypt` to do so."""
    if isinstance(value, Secret):
        if decrypt is None:
            raise Undecryptable
        return decrypt(value.ciphertext)
    if isinstance(value, dict):
        return {key: reveal(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item, decrypt) for item in value]
    return value


def text_of(value: Any) -> str:
    """The text that a program sees for a value without secrets."""
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """JSON as Go writes it: sorted keys, no spaces, whole floats as integers, HTML's special characters escaped."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-8", "surrogatepass"))
        return "{" + ",".join(f"{json_text(key)}:{json_text(item)}" for key, item in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, float):
        return _float_text(value)
    return json.dumps(value, ensure_ascii=False).translate(_HTML)


def _float_text(value: float) -> str:
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    from decimal import Decimal

    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def matches(content: Any, type_name: str, items: dict[str, Any] | None) -> bool:
    """Whether a decrypted value is of a declared type; text that reads as an integer or a boolean counts as one."""
    match type_name:
        case "string":
            return isinstance(content, str)
        case "integer":
            if isinstance(content, str):
                return bool(re.fullmatch(r"[-+]?[0-9]+", content)) and -(2**63) <= int(content) < 2**63
            return isinstance(content, int | float) and not isinstance(content, bool) and content == int(content)
        case "boolean":
            return isinstance(content, bool) or content in ("true", "false")
        case "object":
            return isinstance(content, dict)
        case _:
            if not isinstance(content, list) or items is None:
                return False
            return all(matches(item, items["type"], items.get("items")) for item in content)


def type_text(type_name: str, items: dict[str, Any] | None) -> str:
    """The declared type as a user writes it in words: `integer`, `array<string>`."""
    return f"array<{type_text(items['type'], items.get('items'))}>" if items else type_name


def parse_path(text: str) -> Path:
    """The parts of a path such as `training.names[0]` or `a["b.c"]`. Raises ValueError."""
    path: Path = []
    position = 0
    while position < len(text):
        if text[position] == "[":
            index, quoted = _INDEX.match(text, position), _QUOTED.match(text, position)
            if index:
                path.append(int(index[1]))
            elif quoted:
                path.append(re.sub(r"\\(.)", r"\1", quoted[1]))
            else:
                raise ValueError(f"'{text}' is not a path: an index in brackets is a number or a quoted name")
            position = (index or quoted).end()  # type: ignore[union-attr]
            continue
        if path:
            if text[position] != ".":
                raise ValueError(f"'{text}' is not a path: '.' or '[' must follow a bracket")
            position += 1
        name = _NAME.match(text, position)
        if not name:
            raise ValueError(f"'{text}' is not a path: a name is missing")
        path.append(name[0])
        position = name.end()
    if not path or not isinstance(path[0], str):
        raise ValueError(f"'{text}' is not a path: it begins with a name")
    return path


def get_path(value: Any, path: Path) -> tuple[Any, bool]:
    """The part of an object at `path`, as a value; and whether there is one."""
    for part in path:
        fits = (isinstance(value, list) and isinstance(part, int) and part < len(value)) or (
            isinstance(value, dict) and isinstance(part, str) and part in value
        )
        if not fits:
            return None, False
        value = value[part]
    return (as_value(value) if path else value), True


def set_path(value: Any, path: Path, new: Any) -> Any:
    """A copy of an object with `new` at `path`, making the lists and mappings on the way. Raises ValueError."""
    if not path:
        return new
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        entries = list(value) if isinstance(value, list) else []
        if part > len(entries):
            raise ValueError(f"index {part} is beyond the end of a list of {len(entries)}")
        entries[part : part + 1] = [set_path(entries[part] if part < len(entries) else None, rest, new)]
        return entries
    mapping = dict(value) if isinstance(value, dict) else {}
    mapping[part] = set_path(mapping.get(part), rest, new)
    return mapping


def coerce(text: str) -> Any:
    """The boolean or integer that a text inside an object stands for, else the text: `--path a.b 5` sets a number."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text) and not (len(text) > 1 and text[0] == "0"):
        number = int(text)
        if -(2**63) <= number < 2**64 and not (number >= 2**63 and text[0] == "+"):
            return number
    return text
