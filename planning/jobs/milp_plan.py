"""Plans for a few jobs that are proven the best: a time-indexed mixed-integer programme, solved by HiGHS.

x[j, k, t] = 1 where job j starts on node k at step t. Every job starts once. At every step, on every node, the GPUs and
the memory of the jobs that run are within what the node has. A job starts no earlier than it is handed in and than
those before it end: Σ t x[j] ≥ Σ (t + d_i) x[i]. First the makespan is made small: C ≥ Σ (t + d_j) x[j], which makes
f(x) = Σ uᵢ large, as f(x) is the work divided by C. Then, with that makespan, the worst team's weighted mean wait, and
last the mean wait. Pritsker, Watters and Wolfe, "Multiproject Scheduling with Limited Resources" (Management Science,
1969).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint
from scipy.sparse import coo_array

from planning.jobs.bounds import shortest_makespan
from planning.jobs.model import Job, Workload
from planning.jobs.schedule import Placement, Schedule
from planning.solver import solve

Floats = npt.NDArray[np.float64]

MOST_VARIABLES = 6000
MOST_STEPS = 200
_PER_HOUR = 3600
"""Times are taken as whole seconds to find their common step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPlan:
    """What the solver found."""

    plan: Schedule
    lower_bound: float
    """Hours of makespan that it has proven necessary."""
    makespan_is_proven: bool
    waits_are_proven: bool
    """Whether, among the plans of that makespan, none has teams wait less."""


def plan_by_programme(workload: Workload, known: Schedule, seconds: float = 10.0) -> ProvenPlan | None:
    """A plan at least as good as `known`, or None where the programme would be too large or time is up with no answer.

    Durations and times of hand-in must be whole multiples of a step that is not too short: 200 steps at most.

    :param known: Any valid plan by estimated durations: its makespan is the horizon.
    :param seconds: Time limit for each of the two solutions.
    """
    grid = _Grid.of(workload, known.makespan)
    if grid is None:
        return None
    programme = _Programme(workload, grid)
    if programme.size > MOST_VARIABLES:
        return None
    floor = grid.up(shortest_makespan(workload))
    bound = floor
    shortest = grid.up(known.makespan)
    proven = shortest <= floor
    if not proven:
        found = programme.shortest(floor, seconds)
        if found is None:
            return None
        shortest, bound, proven = found
    starts = programme.fairest(shortest, seconds)
    if starts is None:
        return None
    return ProvenPlan(
        plan=starts.plan,
        lower_bound=bound * grid.hours,
        makespan_is_proven=proven,
        waits_are_proven=starts.is_proven,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Time in whole steps."""

    hours: float
    """Length of a step."""
    steps: int
    """The horizon."""

    @classmethod
    def of(cls, workload: Workload, horizon: float) -> "_Grid | None":
        times = [job.estimated_hours for job in workload.jobs] + [job.release_hours for job in workload.jobs]
        seconds = [Fraction(time * _PER_HOUR).limit_denominator(1000) for time in times if time > 0]
        if any(each.denominator != 1 for each in seconds):
            return None
        step = reduce(math.gcd, [each.numerator for each in seconds]) / _PER_HOUR
        steps = math.ceil(horizon / step - 1e-6)
        return cls(hours=step, steps=steps) if steps <= MOST_STEPS else None

    def up(self, hours: float) -> int:
        """So many hours in steps, rounded up."""
        return math.ceil(hours / self.hours - 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starts:
    plan: Schedule
    is_proven: bool


class _Programme:
    """The variables are all x, then one for the makespan or the worst team's wait."""

    def __init__(self, workload: Workload, grid: _Grid) -> None:
        self._workload = workload
        self._grid = grid
        self._steps_of = {job.name: grid.up(job.estimated_hours) for job in workload.jobs}
        earliest = workload.earliest_starts(estimated=True)
        self._earliest = {name: grid.up(hours) for name, hours in earliest.items()}
        self._starts = [
            (job, place, step)
            for job in workload.jobs
            for place, node in enumerate(workload.nodes)
            if job.fits(node)
            for step in range(self._earliest[job.name], grid.steps - self._steps_of[job.name] + 1)
        ]
        self.size = len(self._starts) + 1
        self._rules = self._build_rules() if self.size <= MOST_VARIABLES else []

    def shortest(self, floor: int, seconds: float) -> tuple[int, int, bool] | None:
        """The shortest makespan in steps, what is proven necessary, and whether that is the same."""
        weights = np.zeros(self.size)
        weights[-1] = 1.0
        rules = [*self._rules, *(self._ends_before_last(job) for job in self._workload.jobs)]
        result = solve(
            weights,
            constraints=rules,
            integrality=np.ones(self.size),
            bounds=Bounds(self._lowest(floor), self._highest(self._grid.steps, self._grid.steps)),
            options={"time_limit": seconds},
        )
        if result.x is None:
            return None
        found = round(result.x[-1])
        bound = found if result.status == 0 else max(floor, math.ceil(result.mip_dual_bound - 1e-6))
        return found, bound, bound >= found

    def fairest(self, makespan: int, seconds: float) -> _Starts | None:
        """The starts within a makespan of which the worst team, and then all together, wait least."""
        count = len(self._workload.jobs)
        waits = np.array([step - self._earliest[job.name] for job, _, step in self._starts], dtype=np.float64)
        weights = np.append(waits / count, 0.0)
        # The mean of all decides where it makes next to no difference to the worst team.
        weights[-1] = 100.0
        integrality = np.append(np.ones(self.size - 1), 0.0)
        result = solve(
            weights,
            constraints=[*self._rules, *self._team_waits(waits)],
            integrality=integrality,
            bounds=Bounds(self._lowest(0), self._highest(makespan, np.inf)),
            options={"time_limit": seconds, "mip_rel_gap": 1e-6},
        )
        if result.x is None:
            return None
        chosen = [start for start, value in zip(self._starts, result.x[:-1], strict=True) if value > 0.5]
        return _Starts(plan=self._plan(chosen), is_proven=result.status == 0)

    def _plan(self, chosen: list[tuple[Job, int, int]]) -> Schedule:
        hours = self._grid.hours
        placements = [
            Placement(
                job=job.name,
                node=self._workload.nodes[place].name,
                start=step * hours,
                end=step * hours + job.estimated_hours,
            )
            for job, place, step in chosen
        ]
        return Schedule(tuple(sorted(placements, key=lambda each: (each.start, each.job))))

    def _lowest(self, last: float) -> Floats:
        return np.append(np.zeros(self.size - 1), last)

    def _highest(self, makespan: int, last: float) -> Floats:
        """No start from which the job would end after the makespan."""
        ends = [step + self._steps_of[job.name] <= makespan for job, _, step in self._starts]
        return np.append(np.array(ends, dtype=np.float64), last)

    def _build_rules(self) -> list[LinearConstraint]:
        rules = [self._each_once()]
        rules += self._within(
            lambda job: job.gpus, {place: node.gpus for place, node in enumerate(self._workload.nodes)}
        )
        rules += self._within(
            lambda job: job.memory_gib,
            {place: node.memory_gib for place, node in enumerate(self._workload.nodes) if node.memory_gib is not None},
        )
        rules += [self._in_order(name, job) for job in self._workload.jobs for name in job.after]
        return rules

    def _each_once(self) -> LinearConstraint:
        rows = {job.name: row for row, job in enumerate(self._workload.jobs)}
        entries = [(rows[job.name], column, 1.0) for column, (job, _, _) in enumerate(self._starts)]
        return LinearConstraint(self._matrix(entries, len(rows)), 1, 1)

    def _within(self, use: Callable[[Job], float], room: Mapping[int, float]) -> list[LinearConstraint]:
        """At every step, what runs on a node takes no more than it has."""
        if not room:
            return []
        rows = {place: number * self._grid.steps for number, place in enumerate(room)}
        entries = [
            (rows[place] + step + passed, column, use(job))
            for column, (job, place, step) in enumerate(self._starts)
            if place in rows and use(job)
            for passed in range(self._steps_of[job.name])
        ]
        limits = np.repeat(np.array(list(room.values()), dtype=np.float64), self._grid.steps)
        return [LinearConstraint(self._matrix(entries, len(limits)), -np.inf, limits)]

    def _in_order(self, before: str, job: Job) -> LinearConstraint:
        entries = []
        for column, (other, _, step) in enumerate(self._starts):
            if other.name == job.name:
                entries.append((0, column, float(step)))
            elif other.name == before:
                entries.append((0, column, -float(step + self._steps_of[before])))
        return LinearConstraint(self._matrix(entries, 1), 0, np.inf)

    def _ends_before_last(self, job: Job) -> LinearConstraint:
        entries = [
            (0, column, float(step + self._steps_of[job.name]))
            for column, (other, _, step) in enumerate(self._starts)
            if other.name == job.name
        ]
        return LinearConstraint(self._matrix([*entries, (0, self.size - 1, -1.0)], 1), -np.inf, 0)

    def _team_waits(self, waits: Floats) -> list[LinearConstraint]:
        """No team waits longer, by weight and on average, than the last variable."""
        teams = sorted({job.team for job in self._workload.jobs})
        sizes = {team: sum(job.team == team for job in self._workload.jobs) for team in teams}
        rules = []
        for team in teams:
            share = self._workload.weight_of(team) / sizes[team]
            entries = [
                (0, column, waits[column] * share)
                for column, (job, _, _) in enumerate(self._starts)
                if job.team == team and waits[column]
            ]
            rules.append(LinearConstraint(self._matrix([*entries, (0, self.size - 1, -1.0)], 1), -np.inf, 0))
        return rules

    def _matrix(self, entries: list[tuple[int, int, float]], rows: int) -> coo_array:
        row, column, value = zip(*entries, strict=True) if entries else ((), (), ())
        return coo_array((value, (row, column)), shape=(rows, self.size)).tocsr()
