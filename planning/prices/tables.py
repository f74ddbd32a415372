"""Reads the tables of a price book: CSV files whose every row is checked, with one error that lists all that is wrong.

A table is a class of rows and the columns it has, in the class's order. A cell is text; what it may be is told by the
type of the field: an empty cell is None where the type allows that, 0 or 1 for truth, ISO 8601 for days.
"""

import csv
import dataclasses
import datetime
import math
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from planning.errors import PlanningError

Row = TypeVar("Row")

CURRENCY = "USD"
_MAY_BE_EMPTY = frozenset({"zone", "gpu", "source"})
"""The cells of text that say something by being empty; of a source more is said than that it must not be."""


class PriceBookError(PlanningError):
    """A price book that cannot be used: file, line, column, value and what is valid, a line for each broken row."""


def read_table(path: Path, row_class: type[Row], check: Callable[[Row], str | None], problems: list[str]) -> list[Row]:
    """The rows of one file; what is wrong is added to `problems`.

    :param check: What is wrong with a row as a whole, in words; None if nothing is.
    """
    priced = any(field.name.startswith("usd_") for field in dataclasses.fields(row_class))  # type: ignore[arg-type]
    expected = [field.name for field in dataclasses.fields(row_class)]  # type: ignore[arg-type]
    expected += ["currency"] if priced else []
    rows: list[Row] = []
    parsers = _parsers(row_class)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return rows
    lines = csv.DictReader(text.splitlines(), strict=True)
    if sorted(lines.fieldnames or []) != sorted(expected):
        problems.append(f"{path}:1: must have the columns {', '.join(expected)}")
        return rows
    for line, cells in _lines(path, lines, problems):
        found = list(_problems_of(cells, parsers, priced))
        if not found:
            row = row_class(**{name: parse(cells[name]) for name, parse in parsers.items()})
            wrong = check(row)
            found = [wrong] if wrong else []
            rows.append(row)
        problems.extend(f"{path}:{line}: {problem}" for problem in found)
    return rows


def _lines(path: Path, lines: "csv.DictReader[str]", problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(f"{path}:{lines.reader.line_num}: is no CSV: {error}")
            return
        # The key None holds what a row has too much, and a value None is what it has too little.
        if None in cells or None in cells.values():
            problems.append(f"{path}:{lines.line_num}: has another number of cells than the first line")
        else:
            yield lines.line_num, cells


def _problems_of(cells: dict[str, str], parsers: dict[str, Callable[[str], Any]], priced: bool) -> Iterator[str]:
    for name, parse in parsers.items():
        try:
            parse(cells[name])
        except ValueError as error:
            yield f"{name} = {cells[name]!r}: {error}"
    if priced and cells["currency"] != CURRENCY:
        yield f"currency = {cells['currency']!r}: must be {CURRENCY}; convert it, and say in source at what rate"
    if not cells["source"].strip():
        yield "source = '': must say where the row is from"


def _parsers(row_class: type[Any]) -> dict[str, Callable[[str], Any]]:
    parsers = {name: _parser(hint) for name, hint in get_type_hints(row_class).items()}
    return {name: _name if parse is _text and name not in _MAY_BE_EMPTY else parse for name, parse in parsers.items()}


def _parser(hint: Any) -> Callable[[str], Any]:
    if get_origin(hint) is types.UnionType:
        inner = _parser(next(each for each in get_args(hint) if each is not types.NoneType))
        return lambda text: None if text == "" else inner(text)
    if get_origin(hint) is Literal:
        known = get_args(hint)
        return lambda text: _word(text, known)
    return _PARSERS[hint]


def _word(text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ValueError(f"must be one of {', '.join(each or '(empty)' for each in known)}")
    return text


def _text(text: str) -> str:
    return text.strip()


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _truth(text: str) -> bool:
    return _word(text, ("0", "1")) == "1"


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day such as 2026-11-25") from None


_PARSERS: dict[Any, Callable[[str], Any]] = {
    str: _text,
    float: _number,
    int: _whole,
    bool: _truth,
    datetime.date: _day,
}
