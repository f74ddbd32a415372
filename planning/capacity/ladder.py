"""The ladder of a load test: which concurrencies are tried, and when a higher one would tell nothing more."""

from collections.abc import Sequence
from typing import Literal

from planning.capacity.measurement import Step
from planning.quantities import whole

LEAST_GROWTH = 0.03
"""Throughput counts as growing if it grows by more than this share: a choice, above what a quiet machine scatters."""
FLAT_STEPS = 2
"""So many steps in a row without growth end the ladder; one alone may be a disturbance."""

Ending = Literal["top", "limit", "flat", "unanswered", "time", "requests", "stopped"]
ENDINGS: dict[Ending, str] = {
    "top": "every concurrency was tried",
    "limit": "the last step broke the limit of the 99th percentile",
    "flat": "throughput grew no more",
    "unanswered": "the last step got no answer at all",
    "time": "the time for the whole test was used up",
    "requests": "the requests for the whole test were used up",
    "stopped": "somebody stopped it",
}
"""Why a ladder ended, in words."""


def concurrencies(most: int) -> tuple[int, ...]:
    """1, 2, 4 and so on, and `most` itself at the end. Raises PlanningError for less than one."""
    whole("--max-concurrency", most, 1)
    return (*(2**power for power in range((most - 1).bit_length())), most)


def reason_to_end(steps: Sequence[Step], p99_limit_ms: float | None) -> Ending | None:
    """Why no higher concurrency is worth trying after these steps, or None.

    :param steps: One or more, by rising concurrency.
    :param p99_limit_ms: The limit of the 99th percentile in milliseconds, if there is one.
    """
    p99 = steps[-1].latency_ms(99)
    if p99 is None:
        return "unanswered"
    if p99_limit_ms is not None and p99 > p99_limit_ms:
        return "limit"
    earlier, latest = steps[:-FLAT_STEPS], steps[-FLAT_STEPS:]
    if earlier:
        best = max(step.requests_per_second for step in earlier)
        if max(step.requests_per_second for step in latest) <= best * (1 + LEAST_GROWTH):
            return "flat"
    return None
