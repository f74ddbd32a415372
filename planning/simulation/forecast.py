"""What the past of a trace says of its future: the rate at which availability ends, by how long it has lasted.

Availability is taken as a semi-Markov process. How likely an episode is to end depends on its age, as published traces
show: who has had spot for hours will likely keep it, and after a long absence it stays away. Ages are sorted into
classes, and each class's rate is the count of ends by the hours observed, drawn towards the rate of all ages by one
event, so that sparse classes follow the rest.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from planning import quantities
from planning.errors import PlanningError
from planning.simulation.traces import Availability, Booleans, Floats, episodes_of

AGE_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Hours from which on a class of ages begins."""

_PRIOR_EVENTS = 0.5
_PRIOR_HOURS = 0.5
_WITHIN_CLASS = (np.arange(16) + 0.5) / 16
"""Ages that stand for all of a class, as parts of its width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Rates at which episodes end."""

    up_rates: tuple[float, ...]
    """Losses an hour while spot is available, for each class of `AGE_EDGES`."""
    down_rates: tuple[float, ...]
    """Returns an hour while it is not."""
    instantly_replaced: float
    """The share of losses after which there is spot in another zone at once."""
    history_hours: float
    """What this was learnt from."""


def learn(history: Sequence[Availability]) -> Forecast:
    """The rates that the past shows.

    :raises PlanningError: there is no past.
    """
    if not history or not all(len(each.available) for each in history):
        raise PlanningError("history: must have a step or more, to forecast from")
    ends = {True: np.zeros(len(AGE_EDGES)), False: np.zeros(len(AGE_EDGES))}
    hours = {True: np.zeros(len(AGE_EDGES)), False: np.zeros(len(AGE_EDGES))}
    replaced = lost = 0
    for each in history:
        for episode in episodes_of(each):
            hours[episode.available] += _hours_by_age(episode.hours)
            if episode.followed_by_available is None:
                continue
            # It ended after its last step, at the age which that step was observed at.
            ends[episode.available][bisect_right(AGE_EDGES, max(0.0, episode.hours - each.step_hours / 2)) - 1] += 1
            if episode.available:
                lost += 1
                replaced += episode.followed_by_available
    return Forecast(
        up_rates=_rates(ends[True], hours[True]),
        down_rates=_rates(ends[False], hours[False]),
        instantly_replaced=replaced / lost if lost else 0.0,
        history_hours=sum(each.hours for each in history),
    )


def _hours_by_age(hours: float) -> Floats:
    """How much of an episode was spent in each class of ages."""
    return np.array([max(0.0, min(hours, end) - start) for start, end in pairwise((*AGE_EDGES, np.inf))])


def _rates(ends: Floats, hours: Floats) -> tuple[float, ...]:
    overall = (ends.sum() + _PRIOR_EVENTS) / (hours.sum() + _PRIOR_HOURS)
    return tuple(((ends + 1.0) / (hours + 1.0 / overall)).tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """The forecast as a Markov chain over classes of ages: first those of available spot, then those of absent spot."""

    keep: Floats
    """Probabilities of going from a class to another in one step with the instance kept; rows sum to 1 with `lose`."""
    lose: Floats
    """The same with the instance lost, or without one."""

    @property
    def classes(self) -> int:
        """How many classes the chain has."""
        return len(self.keep)


def chain_of(forecast: Forecast, step_hours: float) -> Chain:
    """The forecast for steps of a length. Within a class every age is taken as equally likely."""
    quantities.above("step_hours", step_hours, 0)
    ages = len(AGE_EDGES)
    keep = np.zeros((2 * ages, 2 * ages))
    lose = np.zeros((2 * ages, 2 * ages))
    for age in range(ages):
        older = _older(age, step_hours)
        end = _ends_within(forecast.up_rates, age, step_hours)
        keep[age, :ages] = (1 - end) * older
        lose[age, 0] = end * forecast.instantly_replaced
        lose[age, ages] = end * (1 - forecast.instantly_replaced)
        end = _ends_within(forecast.down_rates, age, step_hours)
        lose[ages + age, ages:] = (1 - end) * older
        lose[ages + age, 0] = end
    return Chain(keep=keep, lose=lose)


def _older(age: int, hours: float) -> Floats:
    """The probabilities of the classes that one of this class is in, so much later."""
    edges = np.array([*AGE_EDGES, np.inf])
    if age == len(AGE_EDGES) - 1:
        return np.eye(len(AGE_EDGES))[-1]
    start, end = edges[age] + hours, edges[age + 1] + hours
    overlap = np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1])
    return np.maximum(0.0, overlap) / (end - start)


def _ends_within(rates: Sequence[float], age: int, hours: float) -> float:
    """The probability that an episode of this class ends within so many hours."""
    edges = np.array([*AGE_EDGES, np.inf])
    width = edges[age + 1] - edges[age] if age + 1 < len(AGE_EDGES) else 0.0
    starts = edges[age] + width * _WITHIN_CLASS
    spent = np.minimum(starts[:, None] + hours, edges[1:]) - np.maximum(starts[:, None], edges[:-1])
    return float(-np.expm1(-(np.maximum(0.0, spent) @ np.array(rates))).mean())


def classes_at(available: Booleans, age_hours: Floats) -> "np.typing.NDArray[np.int64]":
    """The chain's class for availability and its age."""
    ages = np.searchsorted(np.array(AGE_EDGES), age_hours, side="right") - 1
    return np.where(available, ages, ages + len(AGE_EDGES))
