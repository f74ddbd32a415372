"""Lengths of time as people write them."""

import re

from planning.errors import PlanningError

_HOURS = {"": 1.0, "h": 1.0, "m": 1 / 60, "min": 1 / 60, "s": 1 / 3600, "d": 24.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def hours_of(name: str, text: str) -> float:
    """Hours in `0.1h`, `6m`, `360s`, `2d` or, without a unit, a number of hours.

    :raises PlanningError: it is none of these; `name` is what it was given for.
    """
    found = _FORM.fullmatch(text.strip().lower())
    if found is None or found[2] not in _HOURS:
        raise PlanningError(f"{name} = {text!r}: must be a time such as 0.1h, 6m, 360s or 2d; without a unit, hours")
    return float(found[1]) * _HOURS[found[2]]
