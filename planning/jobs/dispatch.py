"""Runs jobs on the fleet in simulation: a dispatcher decides, at every moment in which something changes, what starts.

A dispatcher knows estimates, of jobs that were handed in; the simulation ends jobs when they really end.

- FIFO: jobs start in their order; who does not fit yet holds up all behind it.
- Backfill, EASY: the first job that does not fit gets a reservation at the earliest time that estimates promise. Others
  start out of order if they do not push that back. Lifka, "The ANL/IBM SP Scheduling System" (JSSPP 1995).
- Backfill, conservative: every waiting job has a reservation. Mu'alem and Feitelson, "Utilization, Predictability,
  Workloads, and User Runtime Estimates in Scheduling the IBM SP2 with Backfilling" (IEEE TPDS 2001).
- A plan: on every node jobs start in the plan's order, as soon as the job is ready and there is room.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from planning.jobs.model import Job, Workload, duration_of
from planning.jobs.occupancy import EPSILON, Occupancy
from planning.jobs.schedule import Placement, Schedule

Start = tuple[Job, int]
"""A job that starts now, and the node's place among the nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a dispatcher sees."""

    now: float
    waiting: Sequence[Job]
    """Handed in, and all before them have ended; in the order of priority, hand-in, and list."""
    occupancy: Occupancy
    """What running jobs take until they are expected to end. The dispatcher notes in it what it starts or reserves."""


Dispatcher = Callable[[Moment], list[Start]]


def fifo(moment: Moment) -> list[Start]:
    """In their order, without overtaking."""
    return _in_turn(moment, reservations=0)


def easy_backfill(moment: Moment) -> list[Start]:
    """One reservation, for the first job that has to wait."""
    return _in_turn(moment, reservations=1)


def conservative_backfill(moment: Moment) -> list[Start]:
    """A reservation for every job that has to wait."""
    return _in_turn(moment, reservations=len(moment.waiting))


def _in_turn(moment: Moment, reservations: int) -> list[Start]:
    started: list[Start] = []
    reserved = 0
    for job in moment.waiting:
        start, node = moment.occupancy.earliest(job, job.estimated_hours, moment.now)
        if start <= moment.now + EPSILON:
            started.append((job, node))
            moment.occupancy.take(job, node, moment.now, moment.now + job.estimated_hours)
        elif reserved < reservations:
            reserved += 1
            moment.occupancy.take(job, node, start, start + job.estimated_hours)
        elif not reservations:
            break
    return started


def follow(workload: Workload, plan: Schedule) -> Dispatcher:
    """Follows a plan. With durations as estimated nothing starts later than planned."""
    places = {node.name: index for index, node in enumerate(workload.nodes)}
    order = sorted(plan.placements, key=lambda each: (each.start, each.job))
    queues: list[list[Job]] = [[] for _ in workload.nodes]
    for each in order:
        queues[places[each.node]].append(workload.by_name[each.job])

    def dispatch(moment: Moment) -> list[Start]:
        ready = {job.name for job in moment.waiting}
        started: list[Start] = []
        for node, queue in enumerate(queues):
            while queue and queue[0].name in ready:
                job = queue[0]
                if moment.occupancy.earliest_on(node, job, job.estimated_hours, moment.now) > moment.now + EPSILON:
                    break
                moment.occupancy.take(job, node, moment.now, moment.now + job.estimated_hours)
                started.append((queue.pop(0), node))
        return started

    return dispatch


def dispatch_jobs(workload: Workload, dispatcher: Dispatcher, *, estimated: bool = False) -> Schedule:
    """Runs all jobs to their end. A dispatcher that remembers, as `follow` makes them, serves for one run.

    :param estimated: Let every job take as long as estimated.
    """
    rank = {job.name: (-job.priority, job.release_hours, index) for index, job in enumerate(workload.jobs)}
    to_come = sorted(workload.jobs, key=lambda job: job.release_hours)
    running: list[tuple[float, str, int, float]] = []
    ended: set[str] = set()
    waiting: list[Job] = []
    placements: list[Placement] = []
    now = 0.0
    while to_come or waiting or running:
        while to_come and to_come[0].release_hours <= now + EPSILON:
            waiting.append(to_come.pop(0))
        while running and running[0][0] <= now + EPSILON:
            ended.add(heapq.heappop(running)[1])
        ready = sorted((job for job in waiting if ended.issuperset(job.after)), key=lambda job: rank[job.name])
        for job, node in dispatcher(Moment(now=now, waiting=ready, occupancy=_running(workload, running, now))):
            end = now + duration_of(job, estimated=estimated)
            waiting.remove(job)
            heapq.heappush(running, (end, job.name, node, now))
            placements.append(Placement(job=job.name, node=workload.nodes[node].name, start=now, end=end))
        now = _next_change(running, to_come)
    return Schedule(tuple(sorted(placements, key=lambda each: (each.start, each.job))))


def _running(workload: Workload, running: Iterable[tuple[float, str, int, float]], now: float) -> Occupancy:
    """What is taken now, until the estimated ends. Who runs longer than estimated may end at any moment."""
    occupancy = Occupancy(workload.nodes)
    for _, name, node, start in running:
        job = workload.by_name[name]
        occupancy.take(job, node, start, max(start + job.estimated_hours, now + 1e-6))
    return occupancy


def _next_change(running: Sequence[tuple[float, str, int, float]], to_come: Sequence[Job]) -> float:
    times = [running[0][0]] if running else []
    times += [to_come[0].release_hours] if to_come else []
    return min(times, default=0.0)
