"""Our policy: the one of least expected cost under a forecast, by dynamic programming.

The state is the time left, the work left, the class of availability (see `forecast`), and what the task is on. V(l, c,
s, m) is the expected cost to finish c steps of work within l steps from class s, on m. Backwards from the deadline:

    V(l, c, s, none)      = min( E V(l-1, c, s', none);  where s has spot: a start on spot;  a start on demand )
    V(l, c, s, spot)      = min( V(l, c, s, none);
                                 p_spot + E[ kept: V(l-1, c-1, s', spot);  lost: V(l-1, c-1+loss, s', none) ] )
    V(l, c, s, on demand) = min( V(l, c, s, none);  p_on_demand + E V(l-1, c-1, s', on demand) )

A start is as much time on the instance without progress as the changeover takes, through which a spot instance may be
lost. What is not done at the deadline costs so much that no plan accepts it. The expected loss is half of a checkpoint
interval. Between whole steps of work, V is taken as linear. When looked up, times are rounded so that less time is left
and more work than there is; the simulator's safety net keeps the deadline whatever the forecast is worth.

This is finite-horizon stochastic dynamic programming (Bellman, "Dynamic Programming", 1957).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planning.simulation.forecast import AGE_EDGES, Chain, Forecast, chain_of, classes_at
from planning.simulation.simulate import IDLE, ON_DEMAND, SPOT, Modes, Policy, View
from planning.simulation.task import Task
from planning.simulation.traces import Floats

MOST_STEPS = 800
"""Longer deadlines are planned in steps that are a multiple of the trace's."""

_UNFINISHED = 1000.0
"""What a missed deadline costs, in runs of the whole task on demand."""


def least_expected_cost(task: Task, forecast: Forecast, step_hours: float) -> Policy:
    """The policy for traces with steps of this length. Takes a second or so to plan, then only looks up."""
    plan = _plan(task, forecast, step_hours)

    def decide(view: View) -> Modes:
        left = min(int(view.left_hours / plan.step_hours + 1e-9), len(plan.choices) - 1)
        work = np.ceil(view.remaining_hours / plan.step_hours - 1e-6).astype(np.int64)
        work = np.clip(work, 0, plan.choices.shape[1] - 1)
        planned = plan.choices[left, work, classes_at(view.available, view.age_hours), view.mode]
        return np.where(view.starting_hours > 0, view.mode, planned).astype(np.int8)

    return Policy(name="least_expected_cost", label="Least expected cost", decide=decide)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    step_hours: float
    choices: npt.NDArray[np.int8]
    """What to be on, by steps left, steps of work left, class, and what the task is on."""


def _plan(task: Task, forecast: Forecast, step_hours: float) -> _Plan:
    merged = max(1, int(np.ceil(task.deadline_hours / step_hours / MOST_STEPS - 1e-9)))
    step = step_hours * merged
    steps = max(1, int(task.deadline_hours / step + 1e-9))
    work = max(1, int(np.ceil(task.work_hours / step - 1e-6)))
    market = _Market(
        chain=chain_of(forecast, step),
        spot_usd=task.spot_usd_per_hour * step,
        on_demand_usd=task.on_demand_usd_per_hour * step,
        start=task.changeover_hours / step,
        loss=task.checkpoint_hours / 2 / step,
        worked_when_lost=1.0 if merged == 1 else 0.5,
    )
    values = _Values.at_deadline(market, work)
    choices = np.zeros((steps + 1, work + 1, market.chain.classes, 3), dtype=np.int8)
    choices[0] = ON_DEMAND
    for left in range(1, steps + 1):
        values, choices[left] = values.step_back(market)
    return _Plan(step_hours=step, choices=choices)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Market:
    """What the plan reckons with; lengths are in steps of the plan."""

    chain: Chain
    spot_usd: float
    """A step on spot."""
    on_demand_usd: float
    start: float
    loss: float
    """Work lost with an instance, on average."""
    worked_when_lost: float
    """The part of a step that was worked, and paid for, in which an instance is lost: all of it where a step of the
    plan is one of the trace, whose losses come at the ends, else half."""

    @property
    def start_steps(self) -> int:
        """A start in whole steps; in the last of them some work is done."""
        return int(np.ceil(self.start - 1e-9))

    @property
    def worked_at_start(self) -> float:
        """Work done in the last step of a start."""
        return self.start_steps - self.start


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Values:
    """Expected costs to the end at one time; each array is steps of work by classes."""

    none: Floats
    spot: tuple[Floats, ...]
    """By how many steps of a start are left; the first is for work going on."""
    on_demand: tuple[Floats, ...]

    @staticmethod
    def at_deadline(market: _Market, work: int) -> "_Values":
        end = np.full((work + 1, market.chain.classes), _UNFINISHED * market.on_demand_usd * work)
        end[0] = 0.0
        return _Values(none=end, spot=(end,) * (market.start_steps + 1), on_demand=(end,) * (market.start_steps + 1))

    def step_back(self, market: _Market) -> tuple["_Values", npt.NDArray[np.int8]]:
        """The values one step earlier, and what to choose then."""
        any_way = (market.chain.keep + market.chain.lose).T
        wait = self.none @ any_way
        # By how many steps of a start were left before this step: what is left after it, and the work done in it.
        steps = [(0, 1.0)]
        steps += [(left - 1, market.worked_at_start if left == 1 else 0.0) for left in range(1, market.start_steps + 1)]
        spot = [self._on_spot(market, left, work) for left, work in steps]
        on_demand = [market.on_demand_usd + _after(self.on_demand[left], work) @ any_way for left, work in steps]
        options = np.stack([wait, spot[-1], on_demand[-1]])
        from_spot = np.stack([wait, spot[0], on_demand[-1]])
        from_on_demand = np.stack([wait, spot[-1], on_demand[0]])
        none = _done(options.min(axis=0))
        choices = np.stack([options.argmin(axis=0), from_spot.argmin(axis=0), from_on_demand.argmin(axis=0)], axis=-1)
        spot[0] = from_spot.min(axis=0)
        on_demand[0] = from_on_demand.min(axis=0)
        values = _Values(
            none=none,
            spot=tuple(_done(np.where(np.isfinite(each), each, none)) for each in spot),
            on_demand=tuple(map(_done, on_demand)),
        )
        return values, choices.astype(np.int8)

    def _on_spot(self, market: _Market, left: int, work: float) -> Floats:
        """The expected cost of this step on spot and of all that follows; infinite where there is no spot."""
        kept = _after(self.spot[left], work)
        worked = work * market.worked_when_lost
        # Work that is done at the end cannot be lost; what was worked in a start's steps was not saved for long.
        lost = _after(self.none, worked - market.loss if work else 0.0)
        lost[1] = _after(self.none, worked)[1]
        lose = market.chain.lose.sum(axis=1)
        paid = market.spot_usd * (1 - lose * (1 - market.worked_when_lost))
        value = paid + kept @ market.chain.keep.T + lost @ market.chain.lose.T
        value[:, len(AGE_EDGES) :] = np.inf
        return value


def _after(values: Floats, work: float) -> Floats:
    """The values after so many steps of work, which may be a fraction, or below 0 where work was lost."""
    places = np.clip(np.arange(len(values)) - work, 0, len(values) - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    part = (places - low)[:, None]
    if not part.any():
        return values[low]
    return values[low] * (1 - part) + values[high] * part


def _done(values: Floats) -> Floats:
    """Nothing is left to pay for where no work is left."""
    values = values.copy()
    values[0] = 0.0
    return values


assert (int(IDLE), int(SPOT), int(ON_DEMAND)) == (0, 1, 2), "choices are numbered as the modes are"
