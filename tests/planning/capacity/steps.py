"""Steps of load tests that nobody has run."""

from planning.capacity.measurement import Step


def step(
    concurrency: int,
    requests_per_second: float,
    *,
    p99_ms: float = 10.0,
    failed: int = 0,
    is_whole: bool = True,
    seconds: float = 2.0,
) -> Step:
    """A step with so many answers a second, all of them with the same latency."""
    answered = round(requests_per_second * seconds)
    return Step(
        concurrency=concurrency,
        seconds=seconds,
        answered=answered,
        latencies_ms=(p99_ms,) * answered,
        errors={"HTTP 503": failed} if failed else {},
        is_whole=is_whole,
    )
