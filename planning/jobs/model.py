"""Jobs and nodes. A job runs on one node, from its start to its end without a break."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from planning import quantities
from planning.errors import PlanningError

SHORTEST_HOURS = 1 / quantities.SECONDS_PER_HOUR
"""A second: the shortest job."""
LONGEST_HOURS = 1e6
"""The longest job, and the latest that one may be handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the fleet."""

    name: str
    gpus: int
    gpu_memory_gib: float
    """Memory of each GPU."""
    memory_gib: float | None = None
    """Main memory; None: it limits nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work for some GPUs of one node."""

    name: str
    hours: float
    """How long it takes, as only the simulation knows."""
    estimated_hours: float
    """How long its owner says it takes, which is all that a scheduler knows before the job ends."""
    gpus: int
    gpu_memory_gib: float = 0.0
    """What each of its GPUs must have at least."""
    memory_gib: float = 0.0
    """Main memory that it takes while it runs."""
    after: tuple[str, ...] = ()
    """Jobs that must have ended before."""
    team: str = ""
    release_hours: float = 0.0
    """When it is handed in; nobody knows of it before."""
    priority: int = 0
    """Of waiting jobs, those of higher priority come first."""

    def fits(self, node: Node) -> bool:
        """Whether it can run there at all."""
        return (
            self.gpus <= node.gpus
            and self.gpu_memory_gib <= node.gpu_memory_gib
            and (node.memory_gib is None or self.memory_gib <= node.memory_gib)
        )


@dataclass(frozen=True)
class Workload:
    """Jobs, the fleet that they run on, and how much each team counts. Raises PlanningError naming all that is
    wrong."""

    jobs: tuple[Job, ...]
    nodes: tuple[Node, ...]
    team_weights: Mapping[str, float] = field(default_factory=dict)
    """The hours that a team waits count so many times; 1 for a team that is not named."""

    def __post_init__(self) -> None:
        """Refuse what cannot be scheduled."""
        problems = [*_wrong_nodes(self.nodes), *_wrong_jobs(self.jobs), *_wrong_weights(self.team_weights)]
        if not problems:
            problems = [*_homeless(self.jobs, self.nodes), *_wrong_order(self.jobs)]
        if problems:
            raise PlanningError.of(problems)

    @property
    def gpus(self) -> int:
        """GPUs of the fleet."""
        return sum(node.gpus for node in self.nodes)

    @cached_property
    def by_name(self) -> Mapping[str, Job]:
        """The jobs by their names."""
        return {job.name: job for job in self.jobs}

    @cached_property
    def in_order(self) -> tuple[Job, ...]:
        """The jobs, each after those that it waits for."""
        graph = {job.name: job.after for job in self.jobs}
        return tuple(self.by_name[name] for name in TopologicalSorter(graph).static_order())

    @cached_property
    def followers(self) -> Mapping[str, tuple[str, ...]]:
        """The jobs that wait for each job."""
        found: dict[str, list[str]] = {job.name: [] for job in self.jobs}
        for job in self.jobs:
            for name in set(job.after):
                found[name].append(job.name)
        return {name: tuple(names) for name, names in found.items()}

    def weight_of(self, team: str) -> float:
        """How much a team's waiting counts."""
        return self.team_weights.get(team, 1.0)

    def earliest_starts(self, *, estimated: bool) -> dict[str, float]:
        """When each job could start if the fleet was empty: it is handed in, and all before it have ended."""
        starts: dict[str, float] = {}
        for job in self.in_order:
            ends = (starts[name] + duration_of(self.by_name[name], estimated=estimated) for name in job.after)
            starts[job.name] = max([job.release_hours, *ends])
        return starts


def duration_of(job: Job, *, estimated: bool) -> float:
    """Its hours, as estimated or as they are."""
    return job.estimated_hours if estimated else job.hours


def _wrong_nodes(nodes: tuple[Node, ...]) -> Iterator[str]:
    if not nodes:
        yield "nodes: there must be one or more"
    yield from (f"nodes: {name!r} is there {count} times" for name, count in _repeated(node.name for node in nodes))
    for node in nodes:
        place = f"node {node.name!r}"
        yield from _broken(quantities.whole, f"{place}: gpus", node.gpus, 1)
        yield from _broken(quantities.at_least, f"{place}: gpu_memory_gib", node.gpu_memory_gib, 0)
        if node.memory_gib is not None:
            yield from _broken(quantities.above, f"{place}: memory_gib", node.memory_gib, 0)


def _wrong_jobs(jobs: tuple[Job, ...]) -> Iterator[str]:
    if not jobs:
        yield "jobs: there must be one or more"
    yield from (f"jobs: {name!r} is there {count} times" for name, count in _repeated(job.name for job in jobs))
    for job in jobs:
        place = f"job {job.name!r}"
        yield from _out_of_range(f"{place}: hours", job.hours, SHORTEST_HOURS, "1/3600 (a second)")
        yield from _out_of_range(f"{place}: estimated_hours", job.estimated_hours, SHORTEST_HOURS, "1/3600 (a second)")
        yield from _broken(quantities.whole, f"{place}: gpus", job.gpus, 1)
        yield from _broken(quantities.at_least, f"{place}: gpu_memory_gib", job.gpu_memory_gib, 0)
        yield from _broken(quantities.at_least, f"{place}: memory_gib", job.memory_gib, 0)
        yield from _out_of_range(f"{place}: release_hours", job.release_hours, 0, "0")
        if isinstance(job.priority, bool) or not isinstance(job.priority, int):
            yield f"{place}: priority = {job.priority!r}: must be a whole number"


def _wrong_weights(weights: Mapping[str, float]) -> Iterator[str]:
    for team, weight in weights.items():
        yield from _broken(quantities.above, f"team {team!r}: weight", weight, 0)


def _homeless(jobs: tuple[Job, ...], nodes: tuple[Node, ...]) -> Iterator[str]:
    for job in jobs:
        if not any(job.fits(node) for node in nodes):
            yield (
                f"job {job.name!r}: needs {_needs(job)} of one node, and the nodes have "
                + ", ".join(sorted({_has(node) for node in nodes}))
            )


def _needs(job: Job) -> str:
    gpu_memory = f" of {job.gpu_memory_gib:g} GiB each" if job.gpu_memory_gib else ""
    memory = f" and {job.memory_gib:g} GiB of main memory" if job.memory_gib else ""
    return f"{job.gpus} GPUs{gpu_memory}{memory}"


def _has(node: Node) -> str:
    memory = "" if node.memory_gib is None else f" with {node.memory_gib:g} GiB"
    return f"{node.gpus} of {node.gpu_memory_gib:g} GiB{memory}"


def _wrong_order(jobs: tuple[Job, ...]) -> Iterator[str]:
    names = {job.name for job in jobs}
    unknown = [
        f"job {job.name!r}: after = {name!r}: no job has this name"
        for job in jobs
        for name in job.after
        if name not in names
    ]
    yield from unknown
    if not unknown:
        try:
            TopologicalSorter({job.name: job.after for job in jobs}).prepare()
        except CycleError as error:
            yield f"jobs: wait for each other in a circle: {' after '.join(reversed(error.args[1]))}"


def _out_of_range(name: str, hours: object, least: float, in_words: str) -> Iterator[str]:
    if not quantities.is_number(hours) or not least <= cast(float, hours) <= LONGEST_HOURS:
        yield f"{name} = {hours!r}: must be a number from {in_words} to {LONGEST_HOURS:,.0f}"


def _repeated(names: Iterator[str]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in Counter(names).items() if count > 1]


def _broken(check: Callable[[str, Any, Any], object], name: str, value: object, limit: int) -> Iterator[str]:
    try:
        check(name, value, limit)
    except PlanningError as error:
        yield str(error)
