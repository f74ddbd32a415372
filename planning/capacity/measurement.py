"""What so many clients at once have got from a service: throughput, latencies, and what went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERCENTILES = (50, 95, 99)
ENOUGH_FOR_P99 = 100
"""With fewer answers than that, the 99th percentile is the slowest of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One measurement at one concurrency."""

    concurrency: int
    """Clients that each have one request under way at any time."""
    seconds: float
    """How long was measured, without the warm-up; above 0."""
    answered: int
    """Requests answered within that time."""
    latencies_ms: tuple[float, ...]
    """Milliseconds of every request that began within that time and was answered, then or later."""
    errors: Mapping[str, int]
    """How many requests that began within that time failed, by kind: `HTTP 503`, `gRPC UNAVAILABLE`, `timeout`."""
    is_whole: bool = True
    """Whether it lasted as long as asked for, and was not cut short by a limit or by somebody."""

    @property
    def requests_per_second(self) -> float:
        """Answers a second; failed requests are none."""
        return self.answered / self.seconds

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(self.errors.values())

    @property
    def error_share(self) -> float:
        """The share of requests that failed, 0 to 1; 0 without any request."""
        total = len(self.latencies_ms) + self.failed
        return self.failed / total if total else 0.0

    def latency_ms(self, percent: int) -> float | None:
        """A percentile of the latencies in milliseconds; None where nothing was answered."""
        return percentile(self.latencies_ms, percent) if self.latencies_ms else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The least of the values that at least so many percent of them do not exceed: one that occurred.

    The nearest rank, or definition 1 in Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
    Statistician 50 (1996).

    :param values: One or more, in any order.
    :param percent: A whole number from 1 to 100, so that the rank is computed exactly.
    :raises ValueError: There is no value, or another percentage.
    """
    if not values or not 1 <= percent <= 100:
        raise ValueError(f"the {percent}th percentile of {len(values)} values: there is no such thing")
    rank = -(-percent * len(values) // 100)
    return sorted(values)[rank - 1]
