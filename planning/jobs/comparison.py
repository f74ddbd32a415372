"""Compares schedulers on the same jobs and fleet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planning import quantities
from planning.jobs.dispatch import Dispatcher, conservative_backfill, dispatch_jobs, easy_backfill, fifo, follow
from planning.jobs.model import Workload
from planning.jobs.plan import Plan, plan_jobs
from planning.jobs.schedule import Metrics, Schedule, check_schedule, metrics_of

LABELS = {
    "fifo": "FIFO",
    "backfill": "EASY backfill",
    "conservative": "Conservative backfill",
    "optimal": "Planned",
}
POLICIES = ("all", *LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerResult:
    """What a scheduler made of the jobs, by their real durations."""

    name: str
    label: str
    schedule: Schedule
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerComparison:
    """All results, and what the plan is worth."""

    results: tuple[SchedulerResult, ...]
    plan: Plan | None
    """By estimates; None where no plan was asked for."""
    estimates_hold: bool
    """Whether every job takes as long as estimated."""

    @property
    def best(self) -> SchedulerResult:
        """The one of the highest utilisation; of equal ones the planned one."""
        return max(reversed(self.results), key=lambda each: round(each.metrics.utilisation, 9))


def compare_schedulers(
    workload: Workload, policy: str = "all", *, seed: int = 0, seconds: float = 10.0
) -> SchedulerComparison:
    """Runs FIFO, backfill and the plan on the workload, or the one of them that is named.

    :param seconds: See `plan_jobs`.
    :raises PlanningError: an unknown policy, or a limit that makes no sense.
    """
    quantities.one_of("policy", policy, POLICIES)
    wanted = LABELS if policy == "all" else (policy,)
    plan = plan_jobs(workload, seed=seed, seconds=seconds) if "optimal" in wanted else None
    makers: dict[str, Callable[[], Dispatcher]] = {
        "fifo": lambda: fifo,
        "backfill": lambda: easy_backfill,
        "conservative": lambda: conservative_backfill,
    }
    if plan is not None:
        schedule = plan.schedule
        makers["optimal"] = lambda: follow(workload, schedule)
    results = [_result(workload, name, makers[name]()) for name in wanted]
    return SchedulerComparison(
        results=tuple(results),
        plan=plan,
        estimates_hold=all(job.hours == job.estimated_hours for job in workload.jobs),
    )


def _result(workload: Workload, name: str, dispatcher: Dispatcher) -> SchedulerResult:
    schedule = dispatch_jobs(workload, dispatcher)
    # What breaks a rule is a mistake of ours, and must never be shown as a result.
    check_schedule(workload, schedule)
    return SchedulerResult(name=name, label=LABELS[name], schedule=schedule, metrics=metrics_of(workload, schedule))


def teams_of(workload: Workload) -> Sequence[str]:
    """The teams, in the order in which they come up."""
    return tuple(dict.fromkeys(job.team for job in workload.jobs))
