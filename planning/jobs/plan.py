"""The plan of a fleet: the best that any method here finds, with what is proven of it."""

from dataclasses import dataclass

from planning import quantities
from planning.jobs.bounds import shortest_makespan
from planning.jobs.dispatch import conservative_backfill, dispatch_jobs, easy_backfill, fifo, follow
from planning.jobs.list_plan import MOST_PLACEMENTS, cost_of, plan_by_lists
from planning.jobs.milp_plan import plan_by_programme
from planning.jobs.model import Workload
from planning.jobs.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan by estimated durations."""

    schedule: Schedule
    method: str
    """What found it, in words."""
    lower_bound_hours: float
    """No plan has a shorter makespan."""
    waits_are_proven: bool
    """Whether no plan of the same makespan lets teams wait less."""

    @property
    def gap(self) -> float:
        """How much shorter the makespan could be at most, as a share of it; 0: it is proven the shortest."""
        shorter = (self.schedule.makespan - self.lower_bound_hours) / self.schedule.makespan
        return shorter if shorter > 1e-9 else 0.0


def plan_jobs(
    workload: Workload, *, seed: int = 0, seconds: float = 10.0, most_placements: int = MOST_PLACEMENTS
) -> Plan:
    """The best of FIFO, both backfills, list scheduling with local search and, for a few jobs, the integer programme.

    As FIFO is among them, no plan has a lower utilisation than FIFO by the same durations. Nothing in it is random but
    for the seed; the programme's time limit counts where it ends without proof.

    :param seconds: Time limit of each of the programme's two solutions; 0 leaves it out.
    :raises PlanningError: a limit that makes no sense.
    """
    quantities.at_least("seconds", seconds, 0)
    quantities.whole("seed", seed, 0)
    candidates = {
        "local search": plan_by_lists(workload, seed, most_placements),
        "FIFO": dispatch_jobs(workload, fifo, estimated=True),
        "EASY backfill": dispatch_jobs(workload, easy_backfill, estimated=True),
        "conservative backfill": dispatch_jobs(workload, conservative_backfill, estimated=True),
    }
    method, best = min(candidates.items(), key=lambda each: cost_of(workload, each[1]))
    bound, proven = shortest_makespan(workload), False
    solved = plan_by_programme(workload, best, seconds) if seconds else None
    if solved is not None:
        bound = max(bound, solved.lower_bound)
        # Starts can only move forward when a plan is followed.
        tightened = dispatch_jobs(workload, follow(workload, solved.plan), estimated=True)
        if cost_of(workload, tightened) <= cost_of(workload, best):
            method, best, proven = "integer programme", tightened, solved.waits_are_proven
    return Plan(schedule=best, method=method, lower_bound_hours=min(bound, best.makespan), waits_are_proven=proven)
