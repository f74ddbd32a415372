"""Measures every release through the server: how many test examples it gets right, and how fast it answers."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cli.errors import CommandError
from cli.loadtest_target import Endpoint, Target
from cli.releases_clients import Called, Client, connected
from cli.releases_served import Model, Release
from planning.capacity.closed_loop import Bounds, RequestFailed, climb
from planning.capacity.measurement import Step

TURNS = 3
"""Of every release: what else the machine does meanwhile falls on all of them."""
_SINGLE_REQUESTS, _FULL_REQUESTS = 16, 4
"""Different requests that take turns; full ones of large images fill the memory."""
_LONGEST_SECONDS = 60.0
"""For one measurement beyond its own time: a server that hangs must not hold the command for ever."""
_MOST_REQUESTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure."""

    seconds: float
    """For latency, and as long for throughput, of each release."""
    warmup_seconds: float
    timeout_seconds: float
    clients: int
    """That send full batches at the same time."""

    @property
    def bounds(self) -> Bounds:
        """Of one turn of one measurement."""
        return Bounds(
            seconds=self.seconds / TURNS,
            warmup_seconds=self.warmup_seconds / TURNS,
            most_seconds=(self.seconds + self.warmup_seconds) / TURNS + _LONGEST_SECONDS,
            most_requests=_MOST_REQUESTS,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One release through the server. What was not measured before a failure is None."""

    release: Release
    model: Model
    failure: str = ""
    """Why not all was measured; empty: all was."""
    correct: int | None = None
    """Of the run's test examples."""
    single: Step | None = None
    """One client, one example in each request."""
    full: Step | None = None
    """Several clients, as many examples in each request as it may have."""
    batch_size: int | None = None
    is_cached: bool = False

    @property
    def examples(self) -> int:
        """How many test examples there are."""
        return len(self.model.examples.labels)

    @property
    def accuracy(self) -> float | None:
        """The share of test examples that it gets right."""
        return None if self.correct is None else self.correct / self.examples

    @property
    def examples_per_second(self) -> float | None:
        """In full batches."""
        return self.full.requests_per_second * self.batch_size if self.full and self.batch_size else None


def measure(
    endpoint: Endpoint,
    target: Target,
    releases: Sequence[Release],
    models: Mapping[int, Model],
    plan: Plan,
    say: Callable[[str], None],
) -> tuple[list[Measured], frozenset[int]]:
    """Every release, and the versions that the service says it has.

    :param models: By version.
    :param say: Is told what is being measured.
    :raises CommandError: The service does not answer, or has no such model.
    """
    return asyncio.run(_measure(endpoint, target, releases, models, plan, say))


async def _measure(
    endpoint: Endpoint,
    target: Target,
    releases: Sequence[Release],
    models: Mapping[int, Model],
    plan: Plan,
    say: Callable[[str], None],
) -> tuple[list[Measured], frozenset[int]]:
    async with connected(endpoint, target, plan.timeout_seconds) as client:
        try:
            versions = await client.versions()
        except RequestFailed as error:
            raise CommandError(f"{target.model} at {endpoint.url}: {error.kind}: {error}") from None
        found = []
        for release in releases:
            say(f"version {release.version}: test examples")
            found.append(await _ask_all(client, release, models[release.version]))
        for turn in range(1, TURNS + 1):
            for place, each in enumerate(found):
                if each.called:
                    say(f"version {each.measured.release.version}: time, turn {turn} of {TURNS}")
                    found[place] = await _timed(client, each, plan)
        return [each.measured for each in found], versions


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a release so far."""

    measured: Measured
    called: Called | None = None
    """None: it cannot be called."""


async def _ask_all(client: Client, release: Release, model: Model) -> _Found:
    """Asks for all test examples."""
    images, labels = model.examples.images, model.examples.labels
    known = Measured(release=release, model=model)
    correct = 0
    try:
        called = await client.called(release.version, images)
        for start in range(0, len(labels), called.batch_size):
            part = slice(start, start + called.batch_size)
            answers = await client.answers(release.version, called, images[part])
            correct += int(np.sum(answers == labels[part]))
    except RequestFailed as error:
        return _Found(replace(known, failure=f"{error.kind}: {error}"))
    return _Found(replace(known, correct=correct, batch_size=called.batch_size, is_cached=called.is_cached), called)


async def _timed(client: Client, found: _Found, plan: Plan) -> _Found:
    """Takes one turn of both measurements, and adds it to the turns before."""
    before, called = found.measured, found.called
    if called is None:
        return found
    single, trouble = await _step(client, before, called, 1, 1, plan)
    full, more = await _step(client, before, called, called.batch_size, plan.clients, plan)
    return _Found(
        replace(
            before,
            single=_added(before.single, single),
            full=_added(before.full, full),
            failure=before.failure or trouble or more,
        ),
        called,
    )


async def _step(
    client: Client, measured: Measured, called: Called, size: int, clients: int, plan: Plan
) -> tuple[Step | None, str]:
    """A measurement, and what failed requests were told."""
    images, version = measured.model.examples.images, measured.release.version
    # Spread over all examples, which are sorted by their label.
    count = _SINGLE_REQUESTS if size == 1 else _FULL_REQUESTS
    starts = np.linspace(0, len(images), count, endpoint=False, dtype=int)
    requests = itertools.cycle(
        [client.request(called, images[(np.arange(size) + start) % len(images)]) for start in starts]
    )

    async def ask(number: int) -> None:
        await client.send(version, next(requests), number)

    load = await climb(ask, [clients], plan.bounds, stop=asyncio.Event())
    step = load.steps[0] if load.steps and load.steps[0].latencies_ms else None
    return step, "; ".join(f"{kind}: {said}" for kind, said in load.said.items())


def _added(before: Step | None, now: Step | None) -> Step | None:
    """Two measurements in the same way as one."""
    if before is None or now is None:
        return before or now
    return Step(
        concurrency=now.concurrency,
        seconds=before.seconds + now.seconds,
        answered=before.answered + now.answered,
        latencies_ms=before.latencies_ms + now.latencies_ms,
        errors=dict(Counter(before.errors) + Counter(now.errors)),
        is_whole=before.is_whole and now.is_whole,
    )
