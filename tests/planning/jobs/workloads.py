"""Workloads for tests: small ones by hand, random ones by hypothesis, and the best schedule by trying everything."""

from itertools import permutations, product
from typing import Any

from hypothesis import strategies as st

from planning.jobs.model import Job, Node, Workload
from planning.jobs.occupancy import Occupancy


def job(name: str, hours: float, gpus: int = 1, **others: Any) -> Job:
    values: dict[str, Any] = {"estimated_hours": hours} | others
    return Job(name=name, hours=hours, gpus=gpus, **values)


def nodes(*gpus: int, gpu_memory_gib: float = 80, memory_gib: float | None = None) -> tuple[Node, ...]:
    return tuple(
        Node(name=f"n{index}", gpus=count, gpu_memory_gib=gpu_memory_gib, memory_gib=memory_gib)
        for index, count in enumerate(gpus)
    )


@st.composite
def workloads(draw: st.DrawFn, most_jobs: int = 8, *, right_estimates: bool = True) -> Workload:
    """Jobs of whole hours on up to three nodes that are not all alike."""
    fleet = draw(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from([16.0, 40.0]), st.sampled_from([None, 8.0])),
            min_size=1,
            max_size=3,
        )
    )
    machines = [
        Node(name=f"n{index}", gpus=gpus, gpu_memory_gib=gpu_memory, memory_gib=memory)
        for index, (gpus, gpu_memory, memory) in enumerate(fleet)
    ]
    jobs: list[Job] = []
    for index in range(draw(st.integers(1, most_jobs))):
        home = draw(st.sampled_from(machines))
        hours = float(draw(st.integers(1, 4)))
        jobs.append(
            Job(
                name=f"j{index}",
                hours=hours,
                estimated_hours=hours if right_estimates else float(draw(st.integers(1, 4))),
                gpus=draw(st.integers(1, home.gpus)),
                gpu_memory_gib=draw(st.sampled_from([0.0, home.gpu_memory_gib])),
                memory_gib=draw(st.sampled_from([0.0, 3.0, 8.0])) if home.memory_gib else 0.0,
                after=tuple(draw(st.sets(st.sampled_from([each.name for each in jobs]), max_size=2))) if jobs else (),
                team=draw(st.sampled_from("ab")),
                release_hours=float(draw(st.integers(0, 3))),
                priority=draw(st.integers(0, 1)),
            )
        )
    weights = draw(st.sampled_from([{}, {"a": 2.0}]))
    return Workload(tuple(jobs), tuple(machines), weights)


def shortest_by_trying(workload: Workload) -> float:
    """The shortest makespan of all orders of the jobs and all homes, each job as early as it can: hours."""
    best = float("inf")
    homes = [[index for index, node in enumerate(workload.nodes) if each.fits(node)] for each in workload.jobs]
    for order in permutations(range(len(workload.jobs))):
        for choice in product(*homes):
            best = min(best, _makespan(workload, order, choice))
    return best


def _makespan(workload: Workload, order: tuple[int, ...], homes: tuple[int, ...]) -> float:
    occupancy = Occupancy(workload.nodes)
    ends: dict[str, float] = {}
    for index in order:
        each = workload.jobs[index]
        if not ends.keys() >= set(each.after):
            return float("inf")
        ready = max([each.release_hours, *(ends[name] for name in each.after)])
        start = occupancy.earliest_on(homes[index], each, each.estimated_hours, ready)
        ends[each.name] = start + each.estimated_hours
        occupancy.take(each, homes[index], start, ends[each.name])
    return max(ends.values())
