"""How the pack says that a rule is exempt or undecided, and how reports know it: the protocol has no field for it."""

import datetime
import re
from collections.abc import Sequence

_NAMED = 3
"""How many unknown values a message names."""

EXEMPT = re.compile(r"Exempt until (?P<until>\d{4}-\d\d-\d\d) \((?P<reason>.*?)\): (?P<rest>.*)", re.DOTALL)
"""What `exempt` returns."""
UNDECIDED = re.compile(r"It cannot be decided before the update")
"""What `undecided` returns begins so."""


def exempt(until: datetime.date, reason: str, objection: str) -> str:
    """An objection that stops nothing."""
    return f"Exempt until {until.isoformat()} ({reason}): {objection}"


def undecided(places: Sequence[str]) -> str:
    """One message for all that a rule cannot decide in a preview; one for each would hide what it decided.

    :param places: The unknown values that it needs, such as `policy of models`; each counts once.
    """
    places = list(dict.fromkeys(places))
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"It cannot be decided before the update knows {', '.join(places[:_NAMED])}{more}; `up` enforces it."
