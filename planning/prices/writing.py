"""Writes the tables of a price book, each as a whole or not at all."""

import csv
import dataclasses
import datetime
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from planning.prices.tables import CURRENCY


def table_text(rows: Sequence[Any]) -> str:
    """The rows as `read_table` reads them. There must be one at least, since rows tell the columns."""
    names = [field.name for field in dataclasses.fields(rows[0])]
    priced = any(name.startswith("usd_") for name in names)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*names, *(["currency"] if priced else [])])
    for row in rows:
        lines.writerow([*(_cell(getattr(row, name)) for name in names), *([CURRENCY] if priced else [])])
    return text.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Puts a file in the place of another one at once: who is stopped half-way leaves the old one. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
