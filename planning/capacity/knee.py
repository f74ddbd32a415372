"""The knee: the concurrency from which on more clients wait longer and get little more.

With a limit for the 99th percentile it is the largest throughput within that limit. Without one it is where the curve
of throughput over concurrency lies farthest above its chord: Kneedle, by Satopaa, Albrecht, Irwin and Raghavan,
"Finding a 'Kneedle' in a Haystack: Detecting Knee Points in System Behavior" (ICDCS Workshops 2011), without its
smoothing and for the whole curve at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from planning.capacity.measurement import Step

MOST_ERRORS = 0.001
"""A step of which a larger share of requests failed is not what the service can carry."""
LEAST_BEND = 0.1
"""A curve nowhere farther above its chord, in the unit square, is taken for a straight line: a choice."""

Basis = Literal["limit", "bend", "still growing"]
BASES: dict[Basis, str] = {
    "limit": "the largest throughput within the limit of the 99th percentile",
    "bend": "where the curve lies farthest above its chord",
    "still growing": "the largest throughput measured; it still grows there, so that the service may carry more",
}
"""What a knee is, in words."""


@dataclass(frozen=True, slots=True)
class Knee:
    """Where a service is best used."""

    step: Step
    basis: Basis


def find_knee(steps: Sequence[Step], p99_limit_ms: float | None = None) -> Knee | None:
    """The knee of what was measured, or None where no step counts.

    Steps count that were measured as long as asked for, were answered, and failed at most `MOST_ERRORS`; with a limit,
    those that kept it.

    :param steps: At different concurrencies, in any order.
    :param p99_limit_ms: Milliseconds.
    """
    counted = sorted(
        (step for step in steps if step.is_whole and step.answered and step.error_share <= MOST_ERRORS),
        key=lambda step: step.concurrency,
    )
    if p99_limit_ms is not None:
        kept = [step for step in counted if _keeps(step, p99_limit_ms)]
        return Knee(_largest(kept), "limit") if kept else None
    if not counted:
        return None
    position = bend([step.concurrency for step in counted], [step.requests_per_second for step in counted])
    return Knee(_largest(counted), "still growing") if position is None else Knee(counted[position], "bend")


def bend(xs: Sequence[float], ys: Sequence[float]) -> int | None:
    """The position of the point that lies farthest above the chord, both axes normalised to 0 to 1.

    None where no point lies more than `LEAST_BEND` above it and the largest value is the last one: such a curve has no
    bend yet. A curve that never rises bends at its first point.

    :param xs: Rising strictly.
    :param ys: As many, one or more.
    """
    if len(xs) == 1:
        return None
    lowest, highest = min(ys), max(ys)
    if highest <= ys[0]:
        return 0
    distances = [
        (y - lowest) / (highest - lowest) - (x - xs[0]) / (xs[-1] - xs[0]) for x, y in zip(xs, ys, strict=True)
    ]
    best = max(range(len(distances)), key=distances.__getitem__)
    if distances[best] <= LEAST_BEND and ys[-1] == highest:
        return None
    return best


def _keeps(step: Step, p99_limit_ms: float) -> bool:
    p99 = step.latency_ms(99)
    return p99 is not None and p99 <= p99_limit_ms


def _largest(steps: Sequence[Step]) -> Step:
    """The one with the largest throughput; of several, the one with the fewest clients."""
    return max(steps, key=lambda step: (step.requests_per_second, -step.concurrency))
