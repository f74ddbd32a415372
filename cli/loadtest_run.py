"""Runs a load test to its end or to an interrupt: every protocol in turn, its connections opened and closed."""

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cli.loadtest_clients import asking
from cli.loadtest_target import Endpoint, Target
from planning.capacity.closed_loop import Bounds, Load, climb
from planning.capacity.ladder import concurrencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to load a service."""

    bounds: Bounds
    """For all protocols together; each gets an equal part of the time and the requests."""
    max_concurrency: int
    batch_size: int
    p99_limit_ms: float | None
    timeout_seconds: float
    examples: "Mapping[str, NDArray[Any]] | None"


def load_all(
    target: Target, plan: Plan, report: Callable[[str, int], None]
) -> tuple[list[tuple[Endpoint, Load]], bool]:
    """What every protocol carried, and whether somebody has stopped it: then it is what was measured until then.

    :param report: Is told protocol and concurrency before each step.
    :raises CommandError: A service does not answer or refuses the request.
    """
    return asyncio.run(_load_all(target, plan, report))


async def _load_all(
    target: Target, plan: Plan, report: Callable[[str, int], None]
) -> tuple[list[tuple[Endpoint, Load]], bool]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    parts = len(target.endpoints)
    bounds = dataclasses.replace(
        plan.bounds,
        most_seconds=plan.bounds.most_seconds / parts,
        most_requests=max(1, plan.bounds.most_requests // parts),
    )
    found = []
    async with contextlib.AsyncExitStack() as opened:
        # All of them before any load: one that is not there must not cost what another one's load has shown.
        asks = [
            await opened.enter_async_context(
                asking(
                    endpoint,
                    target,
                    batch_size=plan.batch_size,
                    examples=plan.examples,
                    timeout_seconds=plan.timeout_seconds,
                )
            )
            for endpoint in target.endpoints
        ]
        for endpoint, ask in zip(target.endpoints, asks, strict=True):
            if stop.is_set():
                break
            load = await climb(
                ask,
                concurrencies(plan.max_concurrency),
                bounds,
                stop=stop,
                p99_limit_ms=plan.p99_limit_ms,
                report=partial(report, endpoint.protocol),
            )
            found.append((endpoint, load))
    return found, stop.is_set()
