"""Reads Pulumi's YAML files: scalars as the pulumi command understands them, and errors that name file and line.

The command reads YAML with Go's yaml.v3, whose scalars are a mixture of YAML 1.1 and 1.2: `yes` and `on` are strings,
`017` and `0o17` are 15, `1_000` is 1000, `2020-01-02` is a time. PyYAML parses the text; what a scalar means is decided
here (https://pkg.go.dev/gopkg.in/yaml.v3#section-readme, function resolve).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from engine.errors import EngineError

Place = tuple[str | int, ...]
"""Where a value stands in a document: the keys and indexes that lead to it."""

_STRING = "tag:yaml.org,2002:str"
_RESOLVED = {f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "timestamp")}
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[-+]?(0[bB][01]+|0[oO][0-7]+|0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|[ ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[-+]\d{2}:\d{2})?)?\Z"
)


class InvalidFile(EngineError):
    """A file of the project cannot be used; the text names the file, where known the line, and what is wrong."""


@dataclass(frozen=True)
class Document:
    """A YAML file's content: dictionaries, lists, strings, numbers, booleans and None."""

    path: Path
    value: Any
    lines: dict[Place, int] = field(default_factory=dict, repr=False)
    """The line, from 1, on which each value's key or element stands."""

    def error(self, place: Place, problem: str) -> InvalidFile:
        """The error that says what is wrong with the value at `place`."""
        line = self.lines.get(place)
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        return InvalidFile(f"{where}: {problem}")


def read_document(path: Path) -> Document:
    """Reads one YAML file. Raises FileNotFoundError, or InvalidFile where it cannot be read or is not valid YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or str(error))
        raise InvalidFile(f"{path}: the file cannot be read: {reason}") from None
    return parse_document(path, text)


def parse_document(path: Path, text: str) -> Document:
    """The document that `text`, the content of `path`, describes. Raises InvalidFile."""
    import yaml

    try:
        # The base loader decides nothing about scalars; the C one does not exist in every build.
        root = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else f"{path}"
        raise InvalidFile(f"{where}: not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise InvalidFile(f"{path}: not valid YAML: {error}") from None
    lines: dict[Place, int] = {}
    value = None if root is None else _Reader(path, lines).read(root, ())
    return Document(path, value, lines)


class _Reader:
    """Turns PyYAML's nodes into values and remembers their lines."""

    def __init__(self, path: Path, lines: dict[Place, int]) -> None:
        self._path = path
        self._lines = lines

    def read(self, node: Any, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        match node.id:
            case "mapping":
                return self._mapping(node, place)
            case "sequence":
                return [self.read(child, (*place, index)) for index, child in enumerate(node.value)]
            case _:
                return self._scalar(node)

    def _mapping(self, node: Any, place: Place) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.id == "scalar" and key_node.value == "<<" and not key_node.style:
                values = value_node.value if value_node.id == "sequence" else [value_node]
                for value in values:
                    if value.id != "mapping":
                        raise self._error(value, "'<<' merges mappings only")
                    for name, inherited in self._mapping(value, place).items():
                        merged.setdefault(name, inherited)
                continue
            key = self._scalar(key_node) if key_node.id == "scalar" else None
            if not isinstance(key, str):
                raise self._error(key_node, f"keys are strings; write '{getattr(key_node, 'value', '…')}' in quotes")
            if key in own:
                raise self._error(key_node, f"'{key}' stands here a second time")
            self._lines[*place, key] = key_node.start_mark.line + 1
            own[key] = self.read(value_node, (*place, key))
        return {**merged, **own}

    def _scalar(self, node: Any) -> Any:
        plain = not node.style
        if node.tag in _RESOLVED or (plain and node.tag == _STRING):
            try:
                return resolve_scalar(node.value)
            except ValueError as error:
                raise self._error(node, str(error)) from None
        if node.tag in (_STRING, "!"):
            return node.value
        raise self._error(node, f"the tag {node.tag} means nothing in a Pulumi file")

    def _error(self, node: Any, problem: str) -> InvalidFile:
        return InvalidFile(f"{self._path}, line {node.start_mark.line + 1}: {problem}")


def resolve_scalar(text: str) -> str | int | float | bool | None:
    """What a scalar without quotes means to Go's yaml.v3. Raises ValueError for a number that JSON cannot hold."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text.lower() in (".inf", "+.inf", "-.inf", ".nan"):
        raise ValueError(f"{text} is not a number that a setting can hold")
    if text[0] not in "+-.0123456789":
        return text
    time = _time(text)
    if time is not None:
        return time
    digits = text.replace("_", "")
    if _INTEGER.match(digits):
        number = _integer(digits)
        return number if -(2**63) <= number < 2**64 else float(number)
    if _FLOAT.match(digits if text[0] != "." else text):
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{text} is too large a number")
        return value
    return text


def _integer(digits: str) -> int:
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-").lower()
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def _time(text: str) -> str | None:
    """The text that Go prints for a time, or None where `text` is none."""
    found = _TIME.match(text)
    if not found:
        return None
    *numbers, fraction, zone = found.groups()
    if zone is None and numbers[3] is not None and text[found.end(3)] != " ":
        return None
    offset = timedelta()
    if zone not in (None, "Z"):
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime(*(int(number or 0) for number in numbers), tzinfo=timezone(offset) if offset else UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    fraction = f".{fraction}".rstrip("0").rstrip(".") if fraction else ""
    name = moment.strftime("%z") if offset else "UTC"
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {moment:%z} {name}"
