"""The load: what is counted, what ends it, and that nothing is left running; in virtual time, so that it is exact."""

import asyncio
from typing import Any

import pytest

from planning.capacity.closed_loop import Bounds, Load, RequestFailed, climb
from planning.capacity.ladder import concurrencies
from planning.errors import PlanningError
from tests.planning.capacity import virtual_time

SECOND = Bounds(seconds=1.0, warmup_seconds=0.25, most_seconds=1e6, most_requests=10**9)


class Service:
    """Answers so many requests at once, each after the same time; the others wait."""

    def __init__(self, places: int = 4, seconds: float = 0.01) -> None:
        self._seconds = seconds
        self._free = asyncio.Semaphore(places)
        self.begun = 0
        self.ended = 0
        self.most_at_once = 0
        self.clients: set[int] = set()

    async def ask(self, client: int) -> None:
        self.begun += 1
        self.clients.add(client)
        self.most_at_once = max(self.most_at_once, self.begun - self.ended)
        try:
            async with self._free:
                await asyncio.sleep(self._seconds)
        finally:
            self.ended += 1


def load(
    service: Service, most: int = 16, bounds: Bounds = SECOND, *, stop_after: float | None = None, **how: Any
) -> Load:
    async def work() -> Load:
        stop = asyncio.Event()
        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop.set)
        found = await climb(service.ask, concurrencies(most), bounds, stop=stop, **how)
        assert len(asyncio.all_tasks()) == 1
        return found

    found = virtual_time.run(work())
    assert service.ended == service.begun
    return found


def test_throughput_and_latency_are_those_of_the_service() -> None:
    service = Service(places=4)
    found = load(service)
    assert [step.concurrency for step in found.steps] == [1, 2, 4, 8, 16]
    assert [step.requests_per_second for step in found.steps] == pytest.approx([100, 200, 400, 400, 400], rel=0.02)
    assert [step.latency_ms(50) for step in found.steps] == pytest.approx([10, 10, 10, 20, 40], rel=0.02)
    assert (found.ending, found.sent) == ("flat", service.begun)
    assert (service.most_at_once, service.clients) == (16, set(range(16)))
    for step in found.steps:
        # Little's law: the clients are as many as throughput times latency.
        mean = sum(step.latencies_ms) / len(step.latencies_ms) / 1000
        assert step.requests_per_second * mean == pytest.approx(step.concurrency, rel=0.05)


def test_the_ladder_goes_to_its_top_while_throughput_grows() -> None:
    found = load(Service(places=100), most=6)
    assert ([step.concurrency for step in found.steps], found.ending) == ([1, 2, 4, 6], "top")


def test_a_broken_limit_ends_it() -> None:
    found = load(Service(places=2), p99_limit_ms=15.0)
    assert ([step.concurrency for step in found.steps], found.ending) == ([1, 2, 4], "limit")


def test_the_warm_up_is_not_counted() -> None:
    class Cold(Service):
        async def ask(self, client: int) -> None:
            if self.begun < 3:
                self.begun += 1
                self.ended += 1
                raise RequestFailed("HTTP 503", "starting")
            await super().ask(client)

    found = load(Cold(), most=1)
    assert found.steps[0].errors == {}
    assert found.said == {"HTTP 503": "starting"}


def test_a_request_under_way_at_the_end_is_waited_for_and_counts_as_slow() -> None:
    """Left out, it would hide that the service has stalled."""
    service = Service(places=1, seconds=0.7)
    found = load(service, most=1, bounds=Bounds(seconds=1.0, warmup_seconds=0, most_seconds=60, most_requests=100))
    assert found.steps[0].answered == 1
    assert found.steps[0].latencies_ms == pytest.approx((700, 700))


def test_failures_are_counted_by_kind_and_do_not_end_a_step() -> None:
    class Refusing(Service):
        async def ask(self, client: int) -> None:
            await super().ask(client)
            if self.ended % 4 == 0:
                raise RequestFailed("HTTP 503", "the queue is full")
            if self.ended % 4 == 1:
                raise RequestFailed("timeout", "no answer in time")

    found = load(Refusing(), most=1)
    (step,) = found.steps
    assert step.errors["HTTP 503"] + step.errors["timeout"] == pytest.approx(50, abs=2)
    assert step.answered == pytest.approx(50, abs=2)
    assert step.error_share == pytest.approx(0.5, abs=0.05)
    assert found.said["timeout"] == "no answer in time"


def test_a_service_that_is_gone_ends_it_without_a_hang() -> None:
    class Gone(Service):
        async def ask(self, client: int) -> None:
            await asyncio.sleep(0.001)
            raise RequestFailed("no connection", "refused")

    found = load(Gone())
    assert (len(found.steps), found.ending) == (1, "unanswered")
    assert found.steps[0].errors["no connection"] == pytest.approx(1000, rel=0.02)


def test_failures_without_any_wait_are_bounded_by_the_requests() -> None:
    class Broken(Service):
        async def ask(self, client: int) -> None:
            raise RequestFailed("invalid answer", "not sent")

    bounds = Bounds(seconds=1.0, warmup_seconds=0, most_seconds=60, most_requests=500)
    found = load(Broken(), bounds=bounds)
    assert (found.ending, found.sent, found.steps) == ("requests", 500, ())


def test_the_bound_on_requests_is_kept_exactly() -> None:
    service = Service(places=100)
    bounds = Bounds(seconds=1.0, warmup_seconds=0.25, most_seconds=1e6, most_requests=600)
    found = load(service, bounds=bounds)
    assert (service.begun, found.sent, found.ending) == (600, 600, "requests")
    assert [step.is_whole for step in found.steps] == [True, True, False]
    # What was cut short is measured over the time that it had.
    assert found.steps[-1].requests_per_second == pytest.approx(400, rel=0.1)


def test_the_bound_on_time_is_kept() -> None:
    bounds = Bounds(seconds=1.0, warmup_seconds=0.25, most_seconds=3.0, most_requests=10**9)
    found = load(Service(places=100), bounds=bounds)
    assert found.ending == "time"
    assert [(step.seconds, step.is_whole) for step in found.steps] == [
        (pytest.approx(1.0), True),
        (pytest.approx(1.0), True),
        (pytest.approx(0.25, abs=0.05), False),
    ]


def test_an_interrupt_gives_up_what_is_under_way_and_keeps_what_was_measured() -> None:
    service = Service(places=1, seconds=0.4)
    found = load(service, stop_after=1.9)
    assert found.ending == "stopped"
    assert [(step.concurrency, step.is_whole) for step in found.steps] == [(1, True), (2, False)]
    early = load(Service(), stop_after=0.1)
    assert (early.ending, early.steps) == ("stopped", ())


def test_each_concurrency_is_reported_before_it_is_tried() -> None:
    told: list[int] = []
    load(Service(places=100), most=4, report=told.append)
    assert told == [1, 2, 4]


def test_an_error_of_another_kind_is_handed_on_and_leaves_nothing_running() -> None:
    class Wrong(Service):
        async def ask(self, client: int) -> None:
            await super().ask(client)
            if client == 1:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(Wrong())


def test_every_wrong_bound_is_told_at_once() -> None:
    with pytest.raises(PlanningError) as refused:
        Bounds(seconds=0, warmup_seconds=-1, most_seconds=float("inf"), most_requests=0)
    assert [line.partition(" =")[0] for line in str(refused.value).splitlines()] == [
        "--seconds",
        "--warmup",
        "--most-seconds",
        "--most-requests",
    ]
