"""Checks of numbers that people give: finite, and within what makes sense. Every check returns its value or raises."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from planning.errors import PlanningError

HOURS_PER_MONTH = 730.0
"""Hours in a month, as AWS's and Google's calculators take it: 8,760 hours a year / 12."""
DAYS_PER_MONTH = 365.0 / 12
"""Days of a month of 730 hours."""
SECONDS_PER_HOUR = 3600.0
BYTES_PER_GIB = 2**30
BYTES_PER_GB = 10**9


def at_least(name: str, value: float, least: float) -> float:
    """A finite number that is `least` or more. Raises PlanningError."""
    if not is_number(value) or value < least:
        raise PlanningError(f"{name} = {value!r}: must be a finite number, {least:g} or more")
    return value


def above(name: str, value: float, limit: float) -> float:
    """A finite number that is more than `limit`. Raises PlanningError."""
    if not is_number(value) or value <= limit:
        raise PlanningError(f"{name} = {value!r}: must be a finite number above {limit:g}")
    return value


def between(name: str, value: float, least: float, most: float) -> float:
    """A finite number from `least` to `most`, both allowed. Raises PlanningError."""
    if not is_number(value) or not least <= value <= most:
        raise PlanningError(f"{name} = {value!r}: must be a number from {least:g} to {most:g}")
    return value


def whole(name: str, value: int, least: int) -> int:
    """A whole number that is `least` or more. Raises PlanningError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PlanningError(f"{name} = {value!r}: must be a whole number, {least} or more")
    return value


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """One of the known words. Raises PlanningError."""
    if value not in known:
        raise PlanningError(f"{name} = {value!r}: must be one of {', '.join(known)}")
    return value


def is_number(value: object) -> bool:
    """Whether something is a finite number that a float can hold; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def problems_of(checks: Iterable[Callable[[], object]]) -> Iterator[str]:
    """What each check that raises PlanningError says, in their order."""
    for check in checks:
        try:
            check()
        except PlanningError as error:
            yield from str(error).splitlines()
