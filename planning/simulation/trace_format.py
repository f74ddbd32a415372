"""Reads the text of trace files. Three forms, documented in docs/scheduling.md:

- JSON: `{"step_seconds": 300, "zones": {"us-east-1a": {"available": [1, 0, ...], "usd_per_hour": [0.97, ...]}}}`
- CSV: columns `seconds`, `zone`, `available` and maybe `usd_per_hour`; a row for each step of each zone
- JSON of the traces published with "Can't Be Late": `{"metadata": {"gap_seconds": 600}, "data": [1, 0, ...]}`

`available` is how many instances can be had; a task that needs several at once asks for at least as many.
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from planning import quantities
from planning.errors import PlanningError
from planning.simulation.traces import Trace, Zone

_MOST_PROBLEMS = 10
_COLUMNS = ("seconds", "zone", "available")
_PRICE = "usd_per_hour"
_COUNT = "must be a whole number of instances that can be had, 0 or more"
_MONEY = "must be US dollars an hour, a finite number above 0"


def parse_trace(name: str, text: str, instances: int = 1) -> Trace:
    """The trace in a file's text; `name` is the file's, for messages and for telling CSV from JSON.

    :param instances: How many instances must be there at the same time for spot to count as available.
    :raises PlanningError: file, line or place, value and what would be valid; the first ten problems.
    """
    quantities.whole("instances", instances, 1)
    problems: list[str] = []
    trace = (_csv if name.lower().endswith(".csv") else _json)(name, text, instances, problems)
    if problems or trace is None:
        left = len(problems) - _MOST_PROBLEMS
        shown = [f"{name}{problem}" for problem in problems[:_MOST_PROBLEMS]]
        raise PlanningError.of([*shown, f"{name}: and {left} more problems"] if left > 0 else shown)
    return trace


def _json(name: str, text: str, instances: int, problems: list[str]) -> Trace | None:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        problems.append(f":{error.lineno}: is no JSON: {error.msg}; valid is what docs/scheduling.md shows")
        return None
    if not isinstance(document, dict) or not {"zones", "data"} & set(document):
        problems.append(': must be an object with "step_seconds" and "zones", or with "metadata" and "data"')
        return None
    if "data" in document:
        metadata = document.get("metadata")
        step = metadata.get("gap_seconds") if isinstance(metadata, dict) else None
        _check_step("metadata.gap_seconds", step, problems)
        zones = {"data": _counts("data", document["data"], problems)}
        prices: dict[str, list[float]] = {}
    else:
        step = document.get("step_seconds")
        _check_step("step_seconds", step, problems)
        zones, prices = _json_zones(document["zones"], problems)
    return _trace(name, step, zones, prices, instances, problems) if not problems and step else None


def _json_zones(found: Any, problems: list[str]) -> tuple[dict[str, list[int]], dict[str, list[float]]]:
    zones: dict[str, list[int]] = {}
    prices: dict[str, list[float]] = {}
    if not isinstance(found, dict) or not found:
        problems.append(": zones must be an object with a zone or more")
        return zones, prices
    for zone, columns in found.items():
        place = f"zones.{zone}"
        if not isinstance(columns, dict) or not set(columns) <= {"available", _PRICE} or "available" not in columns:
            problems.append(f": {place} must be an object with available and maybe {_PRICE}, nothing else")
            continue
        zones[zone] = _counts(f"{place}.available", columns["available"], problems)
        if _PRICE in columns:
            # One price for all steps may be given as a number.
            given = columns[_PRICE]
            listed = given if isinstance(given, list) else [given] * len(zones[zone])
            wrong = [index for index, value in enumerate(listed) if not _is_money(value)]
            problems += [f": {place}.{_PRICE}[{index}] = {listed[index]!r}: {_MONEY}" for index in wrong]
            prices[zone] = listed
    return zones, prices


def _counts(place: str, values: Any, problems: list[str]) -> list[int]:
    if not isinstance(values, list) or not values:
        problems.append(f": {place} must be a list of one number a step")
        return []
    wrong = [index for index, value in enumerate(values) if type(value) is not int or value < 0]
    problems += [f": {place}[{index}] = {values[index]!r}: {_COUNT}" for index in wrong]
    return values


def _check_step(place: str, value: Any, problems: list[str]) -> None:
    try:
        quantities.above(place, value, 0)
    except PlanningError as error:
        problems.append(f": {error}")


def _csv(name: str, text: str, instances: int, problems: list[str]) -> Trace | None:
    lines = csv.DictReader(text.splitlines())
    columns = [column.strip() for column in lines.fieldnames or []]
    if sorted(columns) not in (sorted(_COLUMNS), sorted([*_COLUMNS, _PRICE])):
        problems.append(f":1: must have the columns {', '.join(_COLUMNS)} and maybe {_PRICE}")
        return None
    lines.fieldnames = columns
    rows: dict[str, dict[float, tuple[int, float]]] = {}
    for cells in lines:
        found = list(_wrong_cells(cells))
        problems += [f":{lines.line_num}: {problem}" for problem in found]
        if found:
            continue
        seconds = float(cells["seconds"])
        of_zone = rows.setdefault(cells["zone"].strip(), {})
        if seconds in of_zone:
            problems.append(f":{lines.line_num}: seconds = {cells['seconds']}: zone {cells['zone']} has it twice")
        of_zone[seconds] = (int(cells["available"]), float(cells.get(_PRICE) or "nan"))
    if problems:
        return None
    times = sorted({second for of_zone in rows.values() for second in of_zone})
    problems += _wrong_times(times, rows)
    if problems:
        return None
    zones = {zone: [of_zone[second][0] for second in times] for zone, of_zone in rows.items()}
    prices = {zone: [of_zone[second][1] for second in times] for zone, of_zone in rows.items()}
    return _trace(name, times[1] - times[0], zones, prices if _PRICE in columns else {}, instances, problems)


def _wrong_cells(cells: Mapping[str | None, Any]) -> Iterator[str]:
    if None in cells or None in cells.values():
        yield "has another number of cells than the first line"
        return
    if not _is_number(cells["seconds"]) or float(cells["seconds"]) < 0:
        yield f"seconds = {cells['seconds']!r}: must be seconds since the start, 0 or more"
    if not cells["zone"].strip():
        yield "zone = '': must be a name"
    if not cells["available"].strip().isascii() or not cells["available"].strip().isdigit():
        yield f"available = {cells['available']!r}: {_COUNT}"
    if _PRICE in cells and not (_is_number(cells[_PRICE]) and _is_money(float(cells[_PRICE]))):
        yield f"{_PRICE} = {cells[_PRICE]!r}: {_MONEY}"


def _wrong_times(times: list[float], rows: Mapping[str, Mapping[float, Any]]) -> Iterator[str]:
    if len(times) < 2:
        yield ": must have two steps or more, as the length of a step is the time between them"
        return
    step = times[1] - times[0]
    uneven = next(
        (index for index in range(1, len(times)) if not math.isclose(times[index] - times[index - 1], step)), None
    )
    if uneven is not None:
        yield (
            f": seconds = {times[uneven]:g}: must be {times[uneven - 1] + step:g}; "
            f"all steps are as long as the first, {step:g} s"
        )
    for zone, of_zone in rows.items():
        missing = next((second for second in times if second not in of_zone), None)
        if missing is not None:
            yield f": zone {zone} has no row for seconds = {missing:g}; every zone needs one for every step"


def _trace(
    name: str,
    step: float,
    zones: Mapping[str, list[int]],
    prices: Mapping[str, list[float]],
    instances: int,
    problems: list[str],
) -> Trace | None:
    lengths = {*map(len, zones.values()), *map(len, prices.values())}
    if len(lengths) > 1:
        problems.append(f": its lists have {', '.join(map(str, sorted(lengths)))} steps; all must have as many")
        return None
    return Trace(
        name=name,
        step_seconds=step,
        zones=tuple(
            Zone(
                name=zone,
                available=np.array(counts) >= instances,
                usd_per_hour=np.array(prices[zone], dtype=np.float64) if zone in prices else None,
            )
            for zone, counts in zones.items()
        ),
    )


def _is_money(value: Any) -> bool:
    return quantities.is_number(value) and value > 0


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
