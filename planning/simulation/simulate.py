"""Runs a policy on availability traces, all traces at once, one step of time after the other.

The model is that of Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines" (NSDI 2024): a task
has C(0) hours of work and R(0) hours of time. In each step it is on spot, on demand or idle. A start takes d hours,
billed, without progress. A spot instance is lost when the trace says so. The task ends, and stops being billed, as soon
as its work is done, within a step too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planning.simulation.task import Task
from planning.simulation.traces import Booleans, Floats, Windows, steps_within

Modes = npt.NDArray[np.int8]

IDLE = np.int8(0)
SPOT = np.int8(1)
ON_DEMAND = np.int8(2)

EPSILON = 1e-7
"""Hours that count as nothing: rounding of sums over thousands of steps stays far below."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What a policy sees at the start of a step; one entry for each run."""

    elapsed_hours: float
    step_hours: float
    left_hours: float
    """R(t): hours until the deadline."""
    available: Booleans
    """Whether spot can be had in this step."""
    age_hours: Floats
    """For how long that has been so."""
    mode: Modes
    """What the run is on: IDLE, SPOT or ON_DEMAND. A lost instance has left it IDLE."""
    remaining_hours: Floats
    """C(t): hours of work that are left."""
    starting_hours: Floats
    """Hours that the current start still takes."""


Decide = Callable[[View], Modes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What to be on in the next step. SPOT where there is none means IDLE."""

    name: str
    label: str
    decide: Decide
    safety_net: bool = True
    """Whether the simulator forces on demand where anything else could miss the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """How the runs went; one entry for each."""

    policy: str
    usd: Floats
    finish_hours: Floats
    starts: npt.NDArray[np.int64]
    interruptions: npt.NDArray[np.int64]
    spot_hours: Floats
    """Billed hours on spot."""
    on_demand_hours: Floats
    """Billed hours on demand."""
    missed: Booleans
    modes: Modes
    """What each run was on in each step; IDLE once done. Runs by steps."""


def run(policy: Policy, task: Task, windows: Windows) -> Outcomes:
    """What becomes of the task in each of the windows.

    With the safety net the deadline is kept in every run, because no step is taken after which a lost instance could
    not be made up for on demand: after it, R >= (work since the last checkpoint included) C + d. What is not done at
    the deadline without the net is finished on demand, late, and paid for.
    """
    state = _State(task, windows)
    decided: list[Modes] = []
    for step in range(steps_within(task.deadline_hours, windows.step_hours)):
        view = state.begin_step(step)
        choice = policy.decide(view)
        choice = np.where((choice == SPOT) & ~view.available, IDLE, choice).astype(np.int8)
        if policy.safety_net:
            choice = np.where(state.is_unsafe(choice, view), ON_DEMAND, choice).astype(np.int8)
        choice = np.where(state.done, IDLE, choice).astype(np.int8)
        state.take_step(choice, view, step)
        decided.append(choice)
        if state.done.all():
            break
    return state.outcomes(policy.name, decided)


class _State:
    """Where all runs of a policy are."""

    def __init__(self, task: Task, windows: Windows) -> None:
        count = windows.count
        self._task = task
        self._windows = windows
        self._mode: Modes = np.full(count, IDLE)
        self._remaining = np.full(count, task.work_hours)
        self._unsaved = np.zeros(count)
        self._starting = np.zeros(count)
        self._usd = np.zeros(count)
        self._finish = np.full(count, np.inf)
        self._starts = np.zeros(count, dtype=np.int64)
        self._interruptions = np.zeros(count, dtype=np.int64)
        self._spot_hours = np.zeros(count)
        self._on_demand_hours = np.zeros(count)
        self.done: Booleans = np.zeros(count, dtype=np.bool_)

    def begin_step(self, step: int) -> View:
        """Take away the lost instances; what the policy sees then."""
        lost = (self._mode == SPOT) & self._windows.lost[:, step]
        self._remaining = np.where(lost, self._remaining + self._unsaved, self._remaining)
        self._unsaved = np.where(lost, 0.0, self._unsaved)
        self._starting = np.where(lost, 0.0, self._starting)
        self._mode = np.where(lost, IDLE, self._mode).astype(np.int8)
        self._interruptions += lost
        elapsed = step * self._windows.step_hours
        return View(
            elapsed_hours=elapsed,
            step_hours=self._windows.step_hours,
            left_hours=self._task.deadline_hours - elapsed,
            available=self._windows.available[:, step],
            age_hours=self._windows.age_hours[:, step],
            mode=self._mode,
            remaining_hours=self._remaining,
            starting_hours=self._starting,
        )

    def is_unsafe(self, choice: Modes, view: View) -> Booleans:
        """Whether the deadline could be missed by what comes after this step."""
        hours = min(view.step_hours, view.left_hours)
        left_after = view.left_hours - hours
        starting = np.where(self._mode == SPOT, self._starting, self._task.changeover_hours)
        progress = np.clip(hours - starting, 0.0, self._remaining)
        # What would be left to do if the instance was lost right after the step.
        at_risk = self._remaining - progress + self._unsaved_after(progress)
        finished = self._remaining - progress <= EPSILON
        need = self._task.changeover_hours - EPSILON
        unsafe_spot = ~finished & (left_after < at_risk + need)
        unsafe_idle = left_after < self._remaining + need
        return ((choice == SPOT) & unsafe_spot) | ((choice == IDLE) & unsafe_idle)

    def take_step(self, choice: Modes, view: View, step: int) -> None:
        """Work, pay, and note what is done."""
        hours = min(view.step_hours, view.left_hours)
        running = choice != IDLE
        changed = choice != self._mode
        self._unsaved = np.where(changed, 0.0, self._unsaved)
        self._starting = np.where(changed, np.where(running, self._task.changeover_hours, 0.0), self._starting)
        self._starts += changed & running
        progress = np.where(running, np.clip(hours - self._starting, 0.0, self._remaining), 0.0)
        finished = running & (self._remaining - progress <= EPSILON)
        billed = np.where(finished, self._starting + progress, np.where(running, hours, 0.0))
        self._usd += billed * np.where(choice == SPOT, self._spot_price(step), self._task.on_demand_usd_per_hour)
        self._spot_hours += np.where(choice == SPOT, billed, 0.0)
        self._on_demand_hours += np.where(choice == ON_DEMAND, billed, 0.0)
        self._finish = np.where(finished, view.elapsed_hours + billed, self._finish)
        self._unsaved = np.where(choice == SPOT, self._unsaved_after(progress), 0.0)
        self._remaining = np.where(finished, 0.0, self._remaining - progress)
        self._starting = np.maximum(0.0, self._starting - hours)
        self._mode = np.where(finished, IDLE, choice).astype(np.int8)
        self.done = self.done | finished

    def outcomes(self, policy: str, decided: list[Modes]) -> Outcomes:
        """The end of all runs; the late ones are finished on demand."""
        late = ~self.done
        # An instance on demand goes on; any other is saved and replaced by one.
        starting = np.where(self._mode == ON_DEMAND, self._starting, self._task.changeover_hours)
        extra = np.where(late, starting + self._remaining, 0.0)
        return Outcomes(
            policy=policy,
            usd=self._usd + extra * self._task.on_demand_usd_per_hour,
            finish_hours=np.where(late, self._task.deadline_hours + extra, self._finish),
            starts=self._starts + (late & (self._mode != ON_DEMAND)),
            interruptions=self._interruptions,
            spot_hours=self._spot_hours,
            on_demand_hours=self._on_demand_hours + extra,
            missed=late,
            modes=np.stack(decided, axis=1),
        )

    def _spot_price(self, step: int) -> Floats | float:
        prices = self._windows.usd_per_hour
        return self._task.spot_usd_per_hour if prices is None else prices[:, step]

    def _unsaved_after(self, progress: Floats) -> Floats:
        if self._task.checkpoint_hours == 0:
            return np.zeros_like(progress)
        # Divided as a whole number of checkpoints, a sum that is one up to rounding counts as saved.
        return np.maximum(0.0, np.fmod(self._unsaved + progress + EPSILON, self._task.checkpoint_hours) - EPSILON)
