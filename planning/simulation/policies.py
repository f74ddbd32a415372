"""The policies that ours is measured against: on demand, spot alone, greedy, and Uniform Progress.

Source: Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines", NSDI 2024, sections 3.3, 3.4 and
5.2. In its words: R(t) is the time left, C(t) the work left, d the changeover delay. All follow the thrifty rule (idle
once the work is done), which the simulator sees to.
"""

import numpy as np

from planning.simulation.simulate import IDLE, ON_DEMAND, SPOT, Modes, Policy, View
from planning.simulation.task import Task
from planning.simulation.traces import Booleans


def always_on_demand() -> Policy:
    """On demand from the first step to the last: the most certain and the dearest."""
    return Policy(name="on_demand", label="Always on demand", decide=lambda view: np.full(len(view.mode), ON_DEMAND))


def spot_only() -> Policy:
    """Spot while there is some, else idle, whatever the deadline: what it costs to have no fallback."""
    return Policy(name="spot_only", label="Spot only", decide=_spot_or_idle, safety_net=False)


def greedy(task: Task) -> Policy:
    """Spot while there is some, else idle, until the safety net forces on demand."""

    def decide(view: View) -> Modes:
        return np.where(_falls_in_safety_net(task, view), ON_DEMAND, _spot_or_idle(view)).astype(np.int8)

    return Policy(name="greedy", label="Greedy spot", decide=decide)


def uniform_progress(task: Task) -> Policy:
    """Uniform Progress: keep the work done, c(t), at or above the expected progress e(t) = t C(0) / R(0).

    - Idle and c(t) < e(t): go on demand, to catch up.
    - Exploitation: take spot whenever it is there and the run is idle, behind or not, and stay until it is lost.
    - Hysteresis: once on demand, stay until c(t) >= e(t + 2d), so that two changeovers do not eat what was gained. As
      in the paper's simulator, on demand is left for spot only, not to wait.
    - Safety net: idle and R(t) < C(t) + 2d: go on demand and stay until the end.
    """
    pace = task.work_hours / task.deadline_hours

    def decide(view: View) -> Modes:
        progress = task.work_hours - view.remaining_hours
        behind = progress < view.elapsed_hours * pace - 1e-9
        ahead = progress >= (view.elapsed_hours + 2 * task.changeover_hours) * pace
        free = np.where(view.available, SPOT, np.where(behind, ON_DEMAND, IDLE))
        choice = np.where((view.mode == ON_DEMAND) & ~(ahead & view.available), ON_DEMAND, free)
        return np.where(_falls_in_safety_net(task, view), ON_DEMAND, choice).astype(np.int8)

    return Policy(name="uniform_progress", label="Uniform Progress", decide=decide)


def _spot_or_idle(view: View) -> Modes:
    return np.where(view.available, SPOT, IDLE).astype(np.int8)


def _falls_in_safety_net(task: Task, view: View) -> Booleans:
    """Not on spot, and R(t) < C(t) + 2d, or + d and a step where steps are longer than d.

    On demand R - C stays as it is, so that who fell into the net stays there.
    """
    margin = task.changeover_hours + max(task.changeover_hours, view.step_hours)
    critical = view.left_hours < view.remaining_hours + view.starting_hours + margin - 1e-9
    return (view.mode != SPOT) & critical
