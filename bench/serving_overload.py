"""Ten times as many requests as the service can answer, for a minute: what becomes of them, and of the service.

The service is the real tritonserver behind the real Envoy, with the settings' defaults. Its capacity is what clients
get that ask again as soon as they are answered. Then requests come at ten times that rate, over HTTP and gRPC, whether
or not those before have been answered.

- `other`: the share of requests that got neither a right answer nor a clear refusal, and of those that the server says
  it answered and no client saw. Target: none.
- `accepted-p99`: milliseconds of the right answers, over what the front's limit lets wait. Of C requests that may be
  with the server by each protocol, and C more that may wait by HTTP, the last one waits for 4 C / right answers a
  second: the server has 2 C, and half of what it answers makes room by HTTP. Target: twice that.
- `refused-p99`: milliseconds of the refusals. Target: a second.
- `accepted`: milliseconds a right answer, 1,000 over right answers a second, over the same at capacity. Target: at most
  a quarter more: refusing costs, but little.
- `accepted-cpu`: processor milliseconds that the server takes for a right answer, over the same at capacity: the same
  question where other programs take processor time from it. Target: a quarter more.
- `ready-again`: seconds from the last answer until a new client has a right one. Target: 5.
- `throughput-after`: milliseconds a right answer at capacity afterwards, over the same before. Target: a quarter more.
- `memory`: the most MiB of server and front in the second half of the overload, over the same in the first: whether it
  grows for as long as it lasts. Target: a tenth more.

`clients_late_p99_ms` in the results' machine tells how late the clients were themselves: where that is much, the
machine was busy with other things, and the times above are its.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.machine import describe_machine
from bench.results import Comparison, Result, Target
from bench.serving_model import Choice, Served, make_model
from bench.serving_overload_clients import Questions, Tally, ask_at_a_rate, ask_in_turn
from bench.serving_overload_service import FrontedService, cores, fronted_service, missing
from bench.serving_servers import on_core
from planning.capacity.measurement import percentile

__all__ = ["CHOICE", "NAME", "STEPS", "Measured", "Plan", "measure", "measure_overload", "missing", "results_of"]

NAME = "overload"
STEPS = 4
CHOICE = Choice("resnet", (3, 32, 32), 255, {"width": 96})
"""Large enough that one process of clients can ask ten times as often as it is answered."""

_READY_SECONDS = 60.0
_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, and for how long."""

    times: float = 10.0
    """The capacity."""
    seconds: float = 60.0
    """Of overload."""
    clients: tuple[int, ...] = (4, 16, 32)
    """Which find the capacity, half of them by each protocol."""
    capacity_seconds: float = 5.0
    """For each number of clients."""
    concurrent_requests: int = 64
    """The front's limit; the settings' default."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen."""

    before: Tally
    overload: Tally
    after: Tally
    answered: int
    """Requests that the server has answered under overload, as it counts."""
    cpu_before: float
    cpu_overload: float
    """Processor milliseconds of the server for each request that it has answered, at capacity and under overload."""
    ready_again_seconds: float
    memory_before: float
    """MiB."""
    memory: tuple[float, ...]
    """MiB, at even distances under overload; at least two."""


def measure_overload(folder: Path, progress: Callable[[str], None]) -> list[Result]:
    """Measures with the plan's defaults. Raises BenchError where the service cannot be started or asked."""
    if reason := missing():
        raise BenchError(reason)
    plan, where = Plan(), cores()
    machine = describe_machine()
    progress("the service starts")
    served = make_model(CHOICE, folder / "model")
    with fronted_service(
        served.folder, folder / "service", where, concurrent_requests=plan.concurrent_requests
    ) as service:
        measured = measure(service, served, plan, progress, core=where.clients)
    return results_of(plan, measured, {**machine, "shared": str(where)})


def measure(
    service: FrontedService, served: Served, plan: Plan, progress: Callable[[str], None], *, core: int | None = None
) -> Measured:
    """Finds the capacity, asks for more, and finds the capacity again.

    :param core: Of the clients.
    :raises BenchError: The service does not answer rightly before it is overloaded, or not again afterwards, or the
        clients are too slow to ask so often.
    """
    headers = {"authorization": f"Bearer {service.token}"}
    questions = Questions(service.http, service.grpc, served.images, served.logits, headers)
    with on_core(core):
        progress("the capacity")
        begun = _spent(service)
        before = _capacity(questions, plan)
        memory_before, calm = service.memory_mib(), _spent(service)
        rate = plan.times * before.right_a_second
        progress(
            f"{rate:,.0f} requests a second for {plan.seconds:g} s, where {before.right_a_second:,.0f} are answered"
        )
        with _sampled(service.memory_mib, plan.seconds / _SAMPLES) as memory:
            overload = ask_at_a_rate(questions, rate=rate, seconds=plan.seconds)
        ended = time.monotonic()
        _wait_for_a_right_answer(questions)
        ready_again = time.monotonic() - ended
        busy = _spent(service)
        progress("the capacity afterwards")
        after = _capacity(questions, plan)
    if overload.sent < 0.9 * rate * overload.seconds:
        raise BenchError(f"the clients could send {overload.sent / overload.seconds:,.0f} requests a second only")
    return Measured(
        before,
        overload,
        after,
        # Without the one that was waited for.
        answered=busy.answered - calm.answered - 1,
        cpu_before=calm.milliseconds_since(begun),
        cpu_overload=busy.milliseconds_since(calm),
        ready_again_seconds=ready_again,
        memory_before=memory_before,
        memory=tuple(memory),
    )


def results_of(plan: Plan, measured: Measured, machine: Mapping[str, Any]) -> list[Result]:
    """The results. Raises BenchError where nothing was refused: then it was no overload; or nothing was answered."""
    overload, before, after = measured.overload, measured.before, measured.after
    if not overload.right:
        raise BenchError(f"none of {overload.sent} requests was answered rightly: {dict(overload.other)}")
    if not overload.refused:
        raise BenchError(f"none of {overload.sent} requests was refused; it was no overload")
    unseen = abs(measured.answered - len(overload.right))
    capacity = before.right_a_second
    longest = 4 * plan.concurrent_requests / overload.right_a_second * 1e3
    half = len(measured.memory) // 2
    counts = {
        "capacity": f"{capacity:,.0f} a second, p99 {percentile(before.right, 99):.0f} ms",
        "sent": overload.sent,
        "seconds": round(overload.seconds, 1),
        "right": len(overload.right),
        "answered_by_the_server": measured.answered,
        "refused": len(overload.refused),
        "other": dict(overload.other),
        "clients_late_p99_ms": round(percentile(overload.late, 99), 1),
        "memory_before_mib": round(measured.memory_before, 1),
    }

    def result(name: str, value: float, unit: Any, at_most: float, compared: Comparison | None = None) -> Result:
        return Result(
            name=f"{NAME}/{name}",
            value=value,
            unit=unit,
            compared_with=compared,
            target=Target(of="ratio" if compared else "value", at_most=at_most),
            machine={**machine, "counts": counts},
        )

    return [
        result("other", (overload.other.total() + unseen) / overload.sent, "x", 0),
        result(
            "accepted-p99",
            percentile(overload.right, 99),
            "ms",
            2,
            Comparison(what="what the limits let wait", value=longest),
        ),
        result("refused-p99", percentile(overload.refused, 99), "ms", 1_000),
        result(
            "accepted",
            1e3 / overload.right_a_second,
            "ms",
            1.25,
            Comparison(what="at capacity", value=1e3 / capacity),
        ),
        result(
            "accepted-cpu",
            measured.cpu_overload,
            "ms",
            1.25,
            Comparison(what="at capacity", value=measured.cpu_before),
        ),
        result("ready-again", measured.ready_again_seconds, "s", 5),
        result(
            "throughput-after",
            1e3 / after.right_a_second,
            "ms",
            1.25,
            Comparison(what="before", value=1e3 / capacity),
        ),
        result(
            "memory",
            max(measured.memory[half:]),
            "MiB",
            1.1,
            Comparison(what="the first half", value=max(measured.memory[:half])),
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the server has answered so far, and the processor time that it has taken."""

    answered: int
    cpu_seconds: float

    def milliseconds_since(self, before: "_Spent") -> float:
        # What took less than a tick of the system's clock is counted as none, and was some.
        spent = max(self.cpu_seconds - before.cpu_seconds, 1 / os.sysconf("SC_CLK_TCK"))
        return spent * 1e3 / (self.answered - before.answered)


def _spent(service: FrontedService) -> _Spent:
    return _Spent(service.counts().answered, service.server.cpu_seconds())


def _capacity(questions: Questions, plan: Plan) -> Tally:
    found = []
    for clients in plan.clients:
        tally = ask_in_turn(questions, clients=clients, seconds=plan.capacity_seconds)
        if tally.other or tally.refused or not tally.right:
            seen = ", ".join(tally.other) or f"{len(tally.refused)} refusals"
            raise BenchError(f"{clients} clients were not all answered rightly: {seen}")
        found.append(tally)
    return max(found, key=lambda each: each.right_a_second)


@contextmanager
def _sampled(memory: Callable[[], float], every_seconds: float) -> Iterator[list[float]]:
    """What a function returns at the start, at even distances, and at the end."""
    found, ended = [memory()], threading.Event()

    def sample() -> None:
        while not ended.wait(every_seconds):
            found.append(memory())

    with ThreadPoolExecutor(1) as threads:
        sampling = threads.submit(sample)
        try:
            yield found
        finally:
            ended.set()
            sampling.result()
    found.append(memory())


def _wait_for_a_right_answer(questions: Questions) -> None:
    end = time.monotonic() + _READY_SECONDS
    while True:
        tally = ask_in_turn(questions, clients=1, seconds=0.0)
        if tally.right:
            return
        if time.monotonic() > end:
            raise BenchError(f"no right answer within {_READY_SECONDS:g} s after the overload: {tally.other}")
        time.sleep(0.05)
