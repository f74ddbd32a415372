"""The least that any policy can pay on a trace: dynamic programming with the whole trace known beforehand.

A bound and no policy, as nobody knows the future. Work, changeover and time are rounded down to whole steps and nothing
is lost at interruptions, so that it is a true lower bound where they are no multiples of the step, and the exact
optimum where they are. (A run's last, partial step is left away: what is left of the run does the rounded work.)
"""

from collections import deque

import numpy as np

from planning.simulation.simulate import EPSILON
from planning.simulation.task import Task
from planning.simulation.traces import Floats, Windows


def least_possible_usd(task: Task, windows: Windows) -> Floats:
    """The bound in US dollars, one for each window."""
    step = windows.step_hours
    work = int(task.work_hours / step + EPSILON)
    start = int(task.changeover_hours / step + EPSILON)
    steps = int(task.deadline_hours / step + EPSILON)
    prices = _spot_prices(task, windows)
    on_demand_price = task.on_demand_usd_per_hour * step
    end = np.full((windows.count, work + 1), np.inf)
    end[:, 0] = 0.0
    # With no instance, and on spot or on demand with work going on: the last items are the next step's, the first ones
    # those of the step in which work would begin after a start now.
    none = end
    spot = deque([end], maxlen=max(1, start))
    on_demand = deque([end], maxlen=max(1, start))
    for now in range(steps - 1, -1, -1):
        work_on_spot = prices[:, now, None] + _worked(spot[-1])
        work_on_spot[~windows.available[:, now]] = np.inf
        work_on_demand = on_demand_price + _worked(on_demand[-1])
        options = [none]
        if start == 0:
            options += [work_on_spot, work_on_demand]
        elif now + start <= steps:
            startable = windows.available[:, now] & ~windows.lost[:, now + 1 : now + start].any(axis=1)
            paid = prices[:, now : now + start].sum(axis=1)
            options += [np.where(startable[:, None], paid[:, None] + spot[0], np.inf)]
            options += [start * on_demand_price + on_demand[0]]
        none = np.minimum.reduce(options)
        none[:, 0] = 0.0
        spot.append(np.where(windows.lost[:, now, None], none, np.minimum(none, work_on_spot)))
        on_demand.append(np.minimum(none, work_on_demand))
    return none[:, work]


def _spot_prices(task: Task, windows: Windows) -> Floats:
    hourly = np.full(windows.available.shape, task.spot_usd_per_hour)
    return (hourly if windows.usd_per_hour is None else windows.usd_per_hour) * windows.step_hours


def _worked(values: Floats) -> Floats:
    """The values after one step of work."""
    after = np.empty_like(values)
    after[:, 0] = 0.0
    after[:, 1:] = values[:, :-1]
    return after
