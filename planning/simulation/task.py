"""The work that has to be done by a deadline, and what it costs to do it on spot or on demand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from planning import quantities
from planning.errors import PlanningError

LONGEST_HOURS = 8760.0
"""A year: the longest deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One job that can be stopped and resumed. Raises PlanningError naming every value that cannot be planned with."""

    work_hours: float
    """C(0): hours of computing on one instance, or on one set of instances that start and stop together."""
    deadline_hours: float
    """R(0): hours from now until the work must be done."""
    changeover_hours: float
    """d: hours that a start takes before work goes on, from the request to the restored checkpoint; billed."""
    spot_usd_per_hour: float
    """What a spot hour costs where the trace tells no price of its own."""
    on_demand_usd_per_hour: float
    checkpoint_hours: float = 0.0
    """Hours of work between checkpoints: an interruption loses what was done since the last one. 0: the notice that
    precedes an interruption is enough to save all of it. Whoever stops an instance on purpose saves first."""

    def __post_init__(self) -> None:
        """Refuse what is no task."""
        problems: list[str] = []
        checks: tuple[tuple[str, Callable[[str, float, float], float], float], ...] = (
            ("work_hours", quantities.above, 0.0),
            ("deadline_hours", quantities.above, 0.0),
            ("changeover_hours", quantities.at_least, 0.0),
            ("spot_usd_per_hour", quantities.above, 0.0),
            ("on_demand_usd_per_hour", quantities.above, 0.0),
            ("checkpoint_hours", quantities.at_least, 0.0),
        )
        for name, check, limit in checks:
            problems += quantities.problems_of([partial(check, name, getattr(self, name), limit)])
        if not problems and self.deadline_hours > LONGEST_HOURS:
            problems.append(f"deadline_hours = {self.deadline_hours:g}: must be {LONGEST_HOURS:g} (a year) or less")
        if not problems and self.work_hours + self.changeover_hours > self.deadline_hours:
            problems.append(
                f"deadline_hours = {self.deadline_hours:g}: must be "
                f"{self.work_hours + self.changeover_hours:g} or more, for {self.work_hours:g} h of work after a start "
                f"of {self.changeover_hours:g} h; no policy can be faster"
            )
        if problems:
            raise PlanningError.of(problems)
