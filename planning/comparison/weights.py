"""How much each criterion counts: the weights, checked as a whole."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from planning.comparison.criteria import CRITERIA, CriterionName
from planning.errors import PlanningError
from planning.quantities import at_least, between

Weights = Mapping[CriterionName, float]

OTHERS = "others"
"""In place of a criterion: every one that is not named."""


MOST = 1e6
"""The largest weight: only how they compare counts."""


def make_weights(*given: Mapping[str, Any]) -> Weights:
    """One weight for every criterion: the default, unless one of `given` names it; the last one counts.

    Raises PlanningError naming every criterion that does not exist and every weight that is no finite number of 0 or
    more, and where all weights are 0.
    """
    problems: list[str] = []
    weights = {name: criterion.default_weight for name, criterion in CRITERIA.items()}
    for each in given:
        named: dict[CriterionName, float] = {}
        rest: float | None = None
        for name, value in each.items():
            try:
                weight = float(between(f"weight of {name}", at_least(f"weight of {name}", value, 0.0), 0.0, MOST))
                if name == OTHERS:
                    rest = weight
                else:
                    named[_criterion(name)] = weight
            except PlanningError as error:
                problems.append(str(error))
        if rest is not None:
            weights = dict.fromkeys(CRITERIA, rest)
        weights |= named
    if not problems and not any(weights.values()):
        problems.append("all weights are 0: at least one must be above 0")
    if problems:
        raise PlanningError.of(problems)
    return weights


def parse_weights(options: Iterable[str]) -> Mapping[str, float]:
    """Reads `CRITERION=NUMBER`, several of them. Raises PlanningError for anything else, and for a name given twice."""
    problems: list[str] = []
    weights: dict[str, float] = {}
    for option in options:
        name, equals, number = (part.strip() for part in option.partition("="))
        try:
            value = float(number)
        except ValueError:
            equals = ""
        if not equals:
            problems.append(f"weight = {option!r}: must be CRITERION=NUMBER, such as price=3")
        elif name in weights:
            problems.append(f"weight of {name}: is given twice, as {weights[name]:g} and {value:g}")
        else:
            weights[name] = value
    if problems:
        raise PlanningError.of(problems)
    return weights


def _criterion(name: str) -> CriterionName:
    for known in CRITERIA:
        if known == name:
            return known
    close = difflib.get_close_matches(str(name), CRITERIA, n=2, cutoff=0.5)
    meant = f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(CRITERIA)}"
    raise PlanningError(f"weight of {name!r}: there is no such criterion{meant}")
