"""Scores and ranks what is compared: min-max normalisation, weighted mean, and a stated rule for what is unknown.

By each criterion the best of those compared gets 1, the worst 0, the others what lies between in proportion; a share
that goes from 0 to 1 by itself is taken as it is. A score is the weighted mean of that. What is unknown of one counts
neither as best nor as worst: its weight is spread over what is known of that one, in proportion. How much of the weight
is known is its coverage; below `MIN_COVERAGE` it is not ranked. What the score would be with all that is unknown at its
worst and at its best bounds it.

A criterion that tells nobody apart, because all are equal or fewer than two are known, has no influence.
"""

import dataclasses
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from planning.comparison.criteria import CRITERIA, CriterionName, Measurement
from planning.comparison.weights import Weights

MIN_COVERAGE = 0.5
"""The share of the weight that has to be known for a rank. A choice: below it, most of a score would be a guess."""

_DIGITS = 12
"""Scores that agree in so many decimals are equal: what differs beyond is rounding."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Generic[Key]):
    """How one of those compared does."""

    key: Key
    normalised: Mapping[CriterionName, float]
    """From 0 to 1, the better the more; only of criteria that tell some apart and are known of this one."""
    known: Mapping[CriterionName, float]
    """For the same criteria, which part of what makes up the value is known: only that part of the weight counts."""
    score: float | None
    """From 0 to 1; None where nothing that counts is known."""
    lowest: float | None
    """The score with all that is unknown at its worst."""
    highest: float | None
    """The score with all that is unknown at its best."""
    coverage: float
    """The share of the weight that is known, from 0 to 1."""
    rank: int | None
    """From 1; equal scores share a rank. None: not ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Generic[Key]):
    """All rows, the best first, those without a rank last."""

    rows: tuple[Row[Key], ...]
    weights: Weights
    counting: tuple[CriterionName, ...]
    """The criteria with a weight that tell some apart."""
    silent: tuple[CriterionName, ...]
    """The criteria with a weight that tell nobody apart."""

    @property
    def ranked(self) -> tuple[Row[Key], ...]:
        """The rows with a rank."""
        return tuple(row for row in self.rows if row.rank is not None)


def rank(
    measured: Mapping[Key, Mapping[CriterionName, Measurement]],
    weights: Weights,
    min_coverage: float = MIN_COVERAGE,
) -> Ranking[Key]:
    """Scores and ranks. Rows with equal scores are ordered by their key's text.

    :param measured: The same criteria for each; those that are missing are not compared.
    :param weights: As `make_weights` gives them.
    """
    asked = [name for name in CRITERIA if weights[name] > 0 and all(name in each for each in measured.values())]
    normalised = {name: _normalise(name, {key: each[name].value for key, each in measured.items()}) for name in asked}
    counting = tuple(name for name in asked if normalised[name])
    rows = []
    for key, measurements in measured.items():
        own = {name: normalised[name][key] for name in counting if key in normalised[name]}
        parts = {name: measurements[name].known for name in own}
        total = math.fsum(weights[name] for name in asked)
        known = math.fsum(weights[name] * measurements[name].known for name in asked)
        rows.append(_row(key, own, parts, counting, weights, min(1.0, known / total) if total else 0.0))
    rows.sort(key=lambda row: (row.coverage < min_coverage, row.score is None, -(row.score or 0.0), str(row.key)))
    scores = [row.score for row in rows if row.coverage >= min_coverage]
    # Without anything that tells them apart, all of those compared come first.
    ranked = [dataclasses.replace(row, rank=_rank(row, scores, min_coverage, blind=not counting)) for row in rows]
    return Ranking(
        rows=tuple(ranked),
        weights=weights,
        counting=counting,
        silent=tuple(name for name in asked if name not in counting),
    )


def _normalise(name: CriterionName, values: Mapping[Key, float | None]) -> Mapping[Key, float]:
    """From 0 to 1, the better the more; empty where nobody is told apart."""
    known = {key: value for key, value in values.items() if value is not None}
    if len(known) < 2:
        return {}
    least, most = min(known.values()), max(known.values())
    if math.isclose(least, most, rel_tol=1e-9):
        return {}
    if CRITERIA[name].natural_scale:
        return known
    if CRITERIA[name].less_is_better:
        return {key: (most - value) / (most - least) for key, value in known.items()}
    return {key: (value - least) / (most - least) for key, value in known.items()}


def _row(
    key: Key,
    own: Mapping[CriterionName, float],
    parts: Mapping[CriterionName, float],
    counting: tuple[CriterionName, ...],
    weights: Weights,
    coverage: float,
) -> Row[Key]:
    gained = math.fsum(weights[name] * parts[name] * value for name, value in own.items())
    known = math.fsum(weights[name] * parts[name] for name in own)
    unknown = math.fsum(weights[name] * (1 - parts.get(name, 0.0)) for name in counting)
    everything = math.fsum(weights[name] for name in counting)
    return Row(
        key=key,
        normalised=own,
        known=parts,
        score=round(gained / known, _DIGITS) if own else None,
        lowest=round(gained / everything, _DIGITS) if everything else None,
        highest=round((gained + unknown) / everything, _DIGITS) if everything else None,
        coverage=coverage,
        rank=None,
    )


def _rank(row: Row[Key], scores: list[float | None], min_coverage: float, *, blind: bool) -> int | None:
    if row.coverage < min_coverage or (row.score is None and not blind):
        return None
    return 1 + sum(1 for score in scores if score is not None and row.score is not None and score > row.score)
