"""How short the makespan can be at best, by arguments that hold for every schedule."""

from planning.jobs.model import Workload


def shortest_makespan(workload: Workload) -> float:
    """Hours that no schedule can be below, by estimated durations.

    - The longest chain: no job ends before its earliest start plus its duration.
    - Work: what needs at least so much GPU memory, or what is handed in no earlier than some time, or both, must find
      room on the GPUs that have that memory after that time. Sum of GPUs x hours / GPUs, for every memory and time that
      occurs.
    - Wide jobs: of those that need more than half of every node that they fit on, each node runs one at a time.
    """
    earliest = workload.earliest_starts(estimated=True)
    bound = max(earliest[job.name] + job.estimated_hours for job in workload.jobs)
    for memory in {job.gpu_memory_gib for job in workload.jobs}:
        homes = [node for node in workload.nodes if node.gpu_memory_gib >= memory]
        gpus = sum(node.gpus for node in homes)
        needing = [job for job in workload.jobs if job.gpu_memory_gib >= memory]
        for time in {earliest[job.name] for job in needing}:
            late = [job for job in needing if earliest[job.name] >= time]
            wide = [
                job.estimated_hours for job in late if all(2 * job.gpus > node.gpus for node in homes if job.fits(node))
            ]
            homes_of_wide = sum(1 for node in homes if any(job.fits(node) for job in late))
            work = sum(job.gpus * job.estimated_hours for job in late) / gpus
            bound = max(bound, time + work, time + sum(wide) / max(1, homes_of_wide))
    return bound
