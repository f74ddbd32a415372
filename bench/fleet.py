"""The fleet optimiser: how long it takes as the market grows, and what it saves beside the single cheapest type.

A market of so many types has every type in two regions, bought in all four ways. The price book has fewer types and not
every price: what is missing is made up, from the book's own types and by a fixed seed, so that those results are called
`synthetic`. The random tasks are planned with the shipped book alone. All of it runs on one core.
"""

import dataclasses
import itertools
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.machine import describe_machine
from bench.results import Result, Target, Unit
from planning.fleet.baseline import single_type
from planning.fleet.gpus import gpu_of
from planning.fleet.optimise import Chosen, choose
from planning.fleet.quotas import Quota
from planning.fleet.work import Work
from planning.network.places import Place
from planning.prices.ageing import usable
from planning.prices.book import PriceBook, load_book
from planning.prices.model import CAPACITIES, CLOUDS, Capacity, Cloud, InstancePrice, InstanceType

NAME = "fleet"
SIZES = (50, 100, 200, 300, 600)
TASKS = 100
TASKS_OF_A_SIZE = 20

SECONDS_TARGET = Target(of="value", at_most=2.0)
"""For 300 types, the slowest of the tasks."""
NEVER_DEARER = Target(of="value", at_most=1 + 1e-6)

_TARGET_SIZE = 300
_SEED = 2026
_SHARES: dict[Capacity, float] = {"on_demand": 1.0, "spot": 0.4, "reserved": 0.75, "flex_start": 0.55}
"""Made-up prices beside on demand: of the order of what the clouds ask."""


def steps(sizes: Sequence[int] = SIZES) -> int:
    """How many times `measure_fleet` tells its progress."""
    return len(sizes) + 1


def measure_fleet(
    folder: Path, progress: Callable[[str], None], *, sizes: Sequence[int] = SIZES, tasks: int = TASKS
) -> list[Result]:
    """Measures the optimiser in this process; nothing is written to `folder`.

    Raises BenchError where it finds no fleet that a simple rule finds.
    """
    results: list[Result] = []

    # The machine, and not the one core of it that is used.
    machine = describe_machine()

    def add(name: str, value: float, unit: Unit, target: Target | None = None) -> None:
        results.append(Result(name=f"{NAME}/{name}", value=value, unit=unit, target=target, machine=machine))

    with _one_core():
        seconds: dict[int, list[float]] = {}
        for size in sorted(sizes):
            progress(f"{size:,} types, partly synthetic, bought in {len(CAPACITIES)} ways")
            seconds[size] = _timed(market(size))
            add(f"synthetic/{size}/median", statistics.median(seconds[size]), "s")
            target = SECONDS_TARGET if size == _TARGET_SIZE else None
            add(f"synthetic/{size}/slowest", max(seconds[size]), "s", target)
        *_, second, largest = sorted(sizes)
        grown = statistics.mean(seconds[largest]) / statistics.mean(seconds[second])
        # 1 is linear.
        add("synthetic/growth", grown * second / largest, "x")
        progress(f"{tasks} random tasks beside the single cheapest type")
        ratios, only_mixed = compare(random_tasks(tasks))
    add("tasks/worst-ratio", max(ratios), "x", NEVER_DEARER)
    add("tasks/mean-ratio", statistics.mean(ratios), "x")
    add("tasks/share-only-mixed-can-do", only_mixed / tasks, "x")
    return results


def market(size: int, *, seed: int = _SEED) -> PriceBook:
    """A price book of so many types with GPUs, each in two regions and bought in every way."""
    shipped, _ = usable(load_book())
    generator = random.Random(seed)  # noqa: S311
    known = [each for each in shipped.types if each.gpu and gpu_of(each.gpu, each.gpu_memory_gib)]
    usual = {
        (price.cloud, price.instance_type): price.usd_per_hour
        for price in shipped.instances
        if price.capacity == "on_demand"
    }
    known = [each for each in known if (each.cloud, each.name) in usual and each.architecture == "x86_64"]
    regions = {cloud: [each.name for each in shipped.regions if each.cloud == cloud] for cloud in CLOUDS}
    clouds: list[Cloud] = [cloud for cloud in CLOUDS if len(regions[cloud]) > 1]
    types: list[InstanceType] = []
    prices: list[InstancePrice] = []
    for number, model in enumerate(itertools.islice(itertools.cycle(known), size)):
        made_up = number >= len(known)
        cloud = clouds[number % len(clouds)] if made_up else model.cloud
        kind = dataclasses.replace(model, name=f"synthetic-{number}", cloud=cloud) if made_up else model
        types.append(kind)
        usd = usual[model.cloud, model.name] * (generator.uniform(0.7, 1.4) if made_up else 1.0)
        for region in generator.sample(regions[cloud], 2):
            prices += _offers(kind, region, usd, generator)
    return PriceBook(tuple(types), tuple(prices), shipped.services, shipped.regions)


def _offers(kind: InstanceType, region: str, usd: float, generator: random.Random) -> Iterator[InstancePrice]:
    for capacity in CAPACITIES:
        yield InstancePrice(
            cloud=kind.cloud,
            region=region,
            zone="",
            instance_type=kind.name,
            capacity=capacity,
            usd_per_hour=usd * _SHARES[capacity] * generator.uniform(0.9, 1.1),
            interruption_band=generator.choice(["<5%", "5-10%", "10-15%", ">20%"]) if capacity == "spot" else "",
            basis="assumed",
            source="made up by the benchmark",
            as_of=kind.as_of,
        )


def random_tasks(count: int, *, seed: int = _SEED) -> list[Work]:
    """Works of every size, half of them with quotas, some with data to move, some as one job on all nodes."""
    generator = random.Random(seed)  # noqa: S311
    tasks = []
    for _ in range(count):
        moved = generator.random() < 0.5
        quotas = tuple(
            Quota(capacity=capacity, limit=generator.randint(4, 64))
            for capacity in generator.sample(["spot", "on_demand", "*"], generator.choice([0, 0, 1, 2]))
        )
        synchronous = generator.random() < 0.2
        tasks.append(
            Work(
                gpu_hours=10 ** generator.uniform(0, 3.7),
                deadline_hours=10 ** generator.uniform(0.7, 2.3),
                gpu_memory_gib=generator.choice([0.0, 14.0, 22.0, 40.0, 75.0]),
                max_nodes=generator.choice([16, 64, 256]),
                quotas=quotas,
                coupling="synchronous" if synchronous else "independent",
                scaling_loss=generator.choice([0.0, 0.02]) if synchronous else 0.0,
                one_region=synchronous or generator.random() < 0.7,
                data=Place("aws", "us-east-1") if moved else None,
                data_gb=10 ** generator.uniform(0, 4) if moved else 0.0,
                interruptions_per_hour=generator.choice([None, None, 0.02, 0.2]),
            )
        )
    return tasks


def compare(tasks: Sequence[Work]) -> tuple[list[float], int]:
    """Cost beside the best single type's, for each task that one type can do; and how many only a mixed fleet can."""
    book, _ = usable(load_book())
    ratios, only_mixed = [], 0
    for work in tasks:
        chosen, single = choose(work, book), single_type(work, book)
        if single is None:
            only_mixed += chosen is not None
            continue
        if chosen is None:
            raise BenchError(f"no fleet was found where one type does the work: {work}")
        ratios.append(_usd(chosen) / _usd(single))
    return ratios, only_mixed


def _timed(book: PriceBook) -> list[float]:
    """Seconds for each of a few tasks, from the book to the answer."""
    seconds: list[float] = []
    for work in random_tasks(2 * TASKS_OF_A_SIZE, seed=_SEED + 1):
        if work.coupling == "synchronous" or len(seconds) == TASKS_OF_A_SIZE:
            continue
        started = time.perf_counter()
        choose(work, book)
        seconds.append(time.perf_counter() - started)
    return seconds


def _usd(chosen: Chosen) -> float:
    return chosen.found.fleet.usd


@contextmanager
def _one_core() -> Iterator[None]:
    """Keeps this process on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
