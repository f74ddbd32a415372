"""A schedule: when and where each job runs, whether that is allowed, and how good it is."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from planning.errors import PlanningError
from planning.jobs.model import Workload, duration_of

_TOLERANCE = 1e-6
_SHORT_HOURS = 1 / 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One job's time and place."""

    job: str
    node: str
    start: float
    end: float


@dataclass(frozen=True)
class Schedule:
    """All placements, by start."""

    placements: tuple[Placement, ...]

    @cached_property
    def by_job(self) -> dict[str, Placement]:
        """The placement of each job."""
        return {each.job: each for each in self.placements}

    @property
    def makespan(self) -> float:
        """Hours until the last job has ended."""
        return max(each.end for each in self.placements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How good a schedule is."""

    makespan_hours: float
    busy_gpus: float
    """f(x) = Σ uᵢ over all GPUs i of the fleet, uᵢ the share of the makespan in which GPU i works: how many work on
    average."""
    utilisation: float
    """f(x) divided by the GPUs of the fleet."""
    mean_wait_hours: float
    """Hours from when a job could have started on an empty fleet to its start; the mean of all jobs."""
    mean_slowdown: float
    """(wait + run) / run, with 10 minutes for runs that are shorter, and 1 at least; the mean of all jobs. Feitelson
    and Rudolph, "Metrics and Benchmarking for Parallel Job Scheduling" (JSSPP 1998): bounded slowdown."""
    fairness: float
    """Jain's index of the teams' mean slowdowns, (Σx)² / (n Σx²): 1 where all teams are slowed down alike, 1/n where
    one bears it all. Jain, Chiu and Hawe, "A Quantitative Measure of Fairness" (DEC-TR-301, 1984)."""
    worst_team_wait_hours: float
    """The largest of the teams' mean waits, each times the team's weight."""


def metrics_of(workload: Workload, schedule: Schedule, *, estimated: bool = False) -> Metrics:
    """How good it is, by the jobs' real or estimated durations, which must be those that the schedule was made with."""
    earliest = workload.earliest_starts(estimated=estimated)
    waits: dict[str, list[float]] = defaultdict(list)
    slowdowns: dict[str, list[float]] = defaultdict(list)
    work = 0.0
    for job in workload.jobs:
        hours = duration_of(job, estimated=estimated)
        wait = max(0.0, schedule.by_job[job.name].start - earliest[job.name])
        waits[job.team].append(wait)
        slowdowns[job.team].append(max(1.0, (wait + hours) / max(hours, _SHORT_HOURS)))
        work += job.gpus * hours
    count = len(workload.jobs)
    by_team = [_mean(values) for values in slowdowns.values()]
    return Metrics(
        makespan_hours=schedule.makespan,
        busy_gpus=work / schedule.makespan,
        utilisation=work / schedule.makespan / workload.gpus,
        mean_wait_hours=sum(map(sum, waits.values())) / count,
        mean_slowdown=sum(map(sum, slowdowns.values())) / count,
        fairness=sum(by_team) ** 2 / (len(by_team) * sum(each**2 for each in by_team)),
        worst_team_wait_hours=max(workload.weight_of(team) * _mean(values) for team, values in waits.items()),
    )


def check_schedule(workload: Workload, schedule: Schedule, *, estimated: bool = False) -> None:
    """Refuse a schedule that breaks a rule. Raises PlanningError naming every breach."""
    problems = list(_breaches(workload, schedule, estimated=estimated))
    if problems:
        raise PlanningError.of(problems)


def _breaches(workload: Workload, schedule: Schedule, *, estimated: bool) -> Iterator[str]:
    if sorted(each.job for each in schedule.placements) != sorted(job.name for job in workload.jobs):
        yield "schedule: must have every job exactly once"
        return
    nodes = {node.name: node for node in workload.nodes}
    for job in workload.jobs:
        own = schedule.by_job[job.name]
        if abs(own.end - own.start - duration_of(job, estimated=estimated)) > _TOLERANCE:
            yield f"job {job.name!r}: runs for {own.end - own.start:g} h, not as long as it takes"
        if own.start < job.release_hours - _TOLERANCE:
            yield f"job {job.name!r}: starts before it is handed in"
        if not job.fits(nodes[own.node]):
            yield f"job {job.name!r}: does not fit on {own.node}"
        for name in job.after:
            if own.start < schedule.by_job[name].end - _TOLERANCE:
                yield f"job {job.name!r}: starts before {name!r} has ended"
    for node in workload.nodes:
        here = [each for each in schedule.placements if each.node == node.name]
        for each in here:
            # Use is highest just after a start; what ends within the tolerance has ended.
            running = [
                workload.by_name[other.job]
                for other in here
                if other.start <= each.start + _TOLERANCE < other.end - _TOLERANCE or other is each
            ]
            if sum(job.gpus for job in running) > node.gpus:
                yield f"node {node.name!r}: more than its {node.gpus} GPUs are taken at {each.start:g} h"
            if node.memory_gib is not None and sum(job.memory_gib for job in running) > node.memory_gib + _TOLERANCE:
                yield f"node {node.name!r}: more than its {node.memory_gib:g} GiB are taken at {each.start:g} h"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
