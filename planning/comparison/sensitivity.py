"""How much the answer depends on the weights: how far each can move before another comes first, and how often the first
stays first when all of them move at random.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from planning.comparison.criteria import CriterionName
from planning.comparison.scoring import Ranking, Row
from planning.comparison.weights import Weights

DRAWS = 2000
SPREAD = 2.0
"""Each weight is drawn between 1/SPREAD and SPREAD times what is given, evenly on a logarithmic scale."""
SEED = 5
_TOLERANCE = 1e-9
"""Scores closer than that are equal."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightRange(Generic[Key]):
    """How far one weight can move, the others as they are, with the first still first."""

    criterion: CriterionName
    weight: float
    least: float
    """0: it may vanish."""
    below: Key | None
    """What comes first below `least`; None where nothing else does."""
    most: float
    """Infinity: it may grow without end."""
    above: Key | None
    """What comes first above `most`; None where nothing else does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability(Generic[Key]):
    """How often each comes first when all weights move at random."""

    draws: int
    spread: float
    seed: int
    first: tuple[tuple[Key, float], ...]
    """Share of the draws in which each came first, the most frequent first; ties count for both."""
    share: float
    """That of the one that is first by the weights given: the one number for how stable the answer is."""


def weight_ranges(ranking: Ranking[Key]) -> tuple[WeightRange[Key], ...]:
    """The range of every counting weight, in the order of the criteria; none without at least two ranked rows.

    Exact: between two rows the difference of their scores is a fraction whose numerator is at most quadratic in the
    weight, so its roots are where the order may change. Which rows are ranked is taken as it is at the weights given.
    """
    rows = ranking.ranked
    if len(rows) < 2:
        return ()
    return tuple(_range(name, rows, ranking.weights) for name in ranking.counting)


def stability(ranking: Ranking[Key], draws: int = DRAWS, spread: float = SPREAD, seed: int = SEED) -> Stability[Key]:
    """Draws weights at random, the same for the same seed, and counts who comes first."""
    rows, names = ranking.ranked, ranking.counting
    if not rows or not names:
        return Stability(draws=0, spread=spread, seed=seed, first=(), share=1.0)
    logarithms = np.random.default_rng(seed).uniform(-math.log(spread), math.log(spread), (draws, len(names)))
    weights = np.array([ranking.weights[name] for name in names]) * np.exp(logarithms)
    known = np.array([[row.known.get(name, 0.0) for name in names] for row in rows])
    values = known * np.array([[row.normalised.get(name, 0.0) for name in names] for row in rows])
    scores = (weights @ values.T) / (weights @ known.T)
    firsts = scores >= scores.max(axis=1, keepdims=True) - _TOLERANCE
    shares = [(row.key, float(share)) for row, share in zip(rows, firsts.mean(axis=0), strict=True)]
    ordered = sorted((each for each in shares if each[1] > 0), key=lambda each: (-each[1], str(each[0])))
    return Stability(draws=draws, spread=spread, seed=seed, first=tuple(ordered), share=shares[0][1])


def _range(name: CriterionName, rows: Sequence[Row[Key]], weights: Weights) -> WeightRange[Key]:
    weight = weights[name]
    first = rows[0]
    turns = sorted({root for other in rows[1:] for root in _turns(first, other, name, weights)})
    above = [weight, *(turn for turn in turns if turn > weight + _TOLERANCE)]
    below = [weight, *(turn for turn in reversed(turns) if turn < weight - _TOLERANCE)]
    most, over = math.inf, None
    for start, end in zip(above, [*above[1:], 2 * above[-1] + 1], strict=True):
        over = _ahead(first, rows, name, weights, (start + end) / 2)
        if over is not None:
            most = start
            break
    least, under = 0.0, None
    for start, end in zip(below, [*below[1:], 0.0], strict=True):
        under = _ahead(first, rows, name, weights, (start + end) / 2)
        if under is not None:
            least = start
            break
    return WeightRange(criterion=name, weight=weight, least=least, below=under, most=most, above=over)


def _turns(one: Row[Key], other: Row[Key], name: CriterionName, weights: Weights) -> list[float]:
    """The weights above 0 at which two rows are equal."""
    (gained, known, value, has), (gained_other, known_other, value_other, has_other) = (
        _parts(row, name, weights) for row in (one, other)
    )
    # (gained + w value) / (known + w has) = the same of the other, multiplied out.
    square = value * has_other - value_other * has
    linear = value * known_other + gained * has_other - value_other * known - gained_other * has
    constant = gained * known_other - gained_other * known
    roots = np.roots([square, linear, constant]) if (square or linear) else np.array([])
    return [float(root.real) for root in roots if abs(root.imag) < _TOLERANCE and root.real > _TOLERANCE]


def _ahead(
    first: Row[Key], rows: Sequence[Row[Key]], name: CriterionName, weights: Weights, weight: float
) -> Key | None:
    """What is ahead of the first at a weight; None where nothing is."""
    best = max(rows, key=lambda row: _score(row, name, weights, weight))
    lead = _score(best, name, weights, weight) - _score(first, name, weights, weight)
    return best.key if lead > _TOLERANCE else None


def _score(row: Row[Key], name: CriterionName, weights: Weights, weight: float) -> float:
    gained, known, value, has = _parts(row, name, weights)
    total = known + weight * has
    return (gained + weight * value) / total if total else 0.0


def _parts(row: Row[Key], name: CriterionName, weights: Weights) -> tuple[float, float, float, float]:
    """Weighted sum and weight of all but one criterion; of that one, what a unit of weight adds to either."""
    others = [each for each in row.normalised if each != name]
    known = row.known.get(name, 0.0)
    return (
        math.fsum(weights[each] * row.known[each] * row.normalised[each] for each in others),
        math.fsum(weights[each] * row.known[each] for each in others),
        known * row.normalised.get(name, 0.0),
        known,
    )
