"""The load itself: clients in a closed loop, one concurrency after the other, within limits of time and requests.

Each client sends its next request as soon as the one before has been answered. The clock is here and nowhere else in
this package: the event loop's. What a request is is handed in, so that this file knows no protocol.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from planning.capacity.ladder import Ending, reason_to_end
from planning.capacity.measurement import Step
from planning.errors import PlanningError
from planning.quantities import above, at_least, problems_of, whole


class RequestFailed(Exception):
    """A request was not answered as it should be. The text is what the service or the network said."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        """Short, and one of few: failures are counted by it."""


Ask = Callable[[int], Awaitable[None]]
"""Sends one request as the client of that number, from 0, and waits for its answer. Raises RequestFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long and how much. Raises PlanningError for numbers that make no sense, all of them at once."""

    seconds: float
    """Measured at each concurrency."""
    warmup_seconds: float
    """Before that, at each concurrency: requests are sent and not counted."""
    most_seconds: float
    """For all concurrencies together; the requests under way at the end may take longer."""
    most_requests: int
    """For all concurrencies together, warm-up included."""

    def __post_init__(self) -> None:
        problems = list(
            problems_of(
                (
                    lambda: above("--seconds", self.seconds, 0.0),
                    lambda: at_least("--warmup", self.warmup_seconds, 0.0),
                    lambda: above("--most-seconds", self.most_seconds, 0.0),
                    lambda: whole("--most-requests", self.most_requests, 1),
                )
            )
        )
        if problems:
            raise PlanningError.of(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a whole ladder has found."""

    steps: tuple[Step, ...]
    """By rising concurrency; the last one may have been cut short."""
    ending: Ending
    sent: int
    """Requests, warm-up included."""
    said: dict[str, str]
    """What the first failed request of each kind was told."""


async def climb(
    ask: Ask,
    concurrencies: Sequence[int],
    bounds: Bounds,
    *,
    stop: asyncio.Event,
    p99_limit_ms: float | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Load:
    """Loads a service at one concurrency after the other, until a higher one would tell nothing more.

    :param stop: Once set, requests under way are given up and what was measured so far is returned.
    :param p99_limit_ms: The ladder ends with the first step that breaks it.
    :param report: Is told each concurrency before it is tried.

    Raises what `ask` raises besides RequestFailed.
    """
    ladder = _Ladder(ask, bounds, stop)
    steps: list[Step] = []
    ending: Ending = "top"
    for concurrency in concurrencies:
        report(concurrency)
        step = await ladder.step(concurrency)
        if step is not None:
            steps.append(step)
        cut = ladder.cut() if step is None or not step.is_whole else None
        reason = cut or reason_to_end(steps, p99_limit_ms)
        if reason is not None:
            ending = reason
            break
    return Load(steps=tuple(steps), ending=ending, sent=ladder.sent, said=ladder.said)


class _Ladder:
    def __init__(self, ask: Ask, bounds: Bounds, stop: asyncio.Event) -> None:
        self._ask, self._bounds, self._stop = ask, bounds, stop
        self._ends = asyncio.get_running_loop().time() + bounds.most_seconds
        self.sent = 0
        self.said: dict[str, str] = {}

    async def step(self, concurrency: int) -> Step | None:
        """One concurrency; None where it was cut short before anything was measured."""
        clock = asyncio.get_running_loop().time
        begins = clock() + self._bounds.warmup_seconds
        window = _Window(begins, begins + self._bounds.seconds)
        last = min(window.ends, self._ends)
        clients = [asyncio.create_task(self._client(number, last, window)) for number in range(concurrency)]
        stopped = asyncio.create_task(self._stop.wait())
        working = asyncio.gather(*clients)
        try:
            await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            else:
                window.cut(clock())
        finally:
            for task in (*clients, stopped):
                task.cancel()
            await asyncio.gather(working, *clients, stopped, return_exceptions=True)
        window.cut(self._ends)
        return window.step(concurrency)

    def cut(self) -> Ending:
        """What has cut the last step short."""
        if self._stop.is_set():
            return "stopped"
        return "requests" if self.sent >= self._bounds.most_requests else "time"

    async def _client(self, number: int, last: float, window: "_Window") -> None:
        clock = asyncio.get_running_loop().time
        while (begun := clock()) < last:
            if self.sent >= self._bounds.most_requests:
                window.cut(begun)
                return
            self.sent += 1
            try:
                await self._ask(number)
            except RequestFailed as error:
                self.said.setdefault(error.kind, str(error))
                window.failed(begun, error.kind)
                # A request that fails before it is sent would let nobody else have a turn.
                await asyncio.sleep(0)
            else:
                window.answered(begun, clock())


class _Window:
    """The time that is measured, and what happened in it."""

    def __init__(self, begins: float, ends: float) -> None:
        self.begins, self.ends = begins, ends
        self._planned_end = ends
        self._requests: list[tuple[float, float]] = []
        self._errors: list[tuple[float, str]] = []

    def cut(self, at: float) -> None:
        """Ends it earlier, or changes nothing where it has ended."""
        self.ends = min(self.ends, at)

    def answered(self, begun: float, ended: float) -> None:
        self._requests.append((begun, ended))

    def failed(self, begun: float, kind: str) -> None:
        self._errors.append((begun, kind))

    def step(self, concurrency: int) -> Step | None:
        if self.ends <= self.begins:
            return None
        return Step(
            concurrency=concurrency,
            seconds=self.ends - self.begins,
            answered=sum(self.begins <= ended < self.ends for _, ended in self._requests),
            # By their beginning: those still under way at the end are the slow ones, and must not be left out.
            latencies_ms=tuple((ended - begun) * 1000 for begun, ended in self._requests if self._has(begun)),
            errors=dict(sorted(Counter(kind for begun, kind in self._errors if self._has(begun)).items())),
            is_whole=self.ends == self._planned_end,
        )

    def _has(self, moment: float) -> bool:
        return self.begins <= moment < self.ends
