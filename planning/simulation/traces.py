"""Availability of spot instances over time: traces of one or several zones, and the windows that a task runs in.

Time goes in steps of equal length. What is available at the start of a step is so until its end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from planning import quantities
from planning.errors import PlanningError
from planning.quantities import SECONDS_PER_HOUR

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zone:
    """Where instances are to be had or not, on their own."""

    name: str
    available: Booleans
    """One entry a step."""
    usd_per_hour: Floats | None = None
    """One entry a step; None: the trace tells no price."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """What was observed, or generated, in zones that an instance may be in."""

    name: str
    step_seconds: float
    zones: tuple[Zone, ...]

    def __post_init__(self) -> None:
        """Refuse what is no trace. Raises PlanningError."""
        quantities.above(f"{self.name}: step_seconds", self.step_seconds, 0.0)
        if not self.zones or min(len(zone.available) for zone in self.zones) < 1:
            raise PlanningError(f"{self.name}: a trace needs a zone and a step or more")
        lengths = {len(zone.available) for zone in self.zones}
        if len(lengths) > 1:
            raise PlanningError(f"{self.name}: its zones have {sorted(lengths)} steps; all must have as many")

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.zones[0].available)

    @property
    def hours(self) -> float:
        """How long it is."""
        return self.steps * self.step_seconds / SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Availability:
    """What one task sees of a trace: whether spot can be had, and when a running instance is lost.

    Of several zones, the task stays where it is while that zone has room, then goes to the cheapest that has: an
    instance is lost where the zone changes. Waiting does not change this order, so that every policy sees the same.
    """

    name: str
    step_hours: float
    available: Booleans
    lost: Booleans
    """Whether an instance that ran in the step before has gone at the start of this one."""
    usd_per_hour: Floats | None

    @property
    def hours(self) -> float:
        """How long it is."""
        return len(self.available) * self.step_hours

    @property
    def share(self) -> float:
        """The share of time in which spot is available."""
        return float(self.available.mean())


def availability_of(trace: Trace) -> Availability:
    """The view of a task that may use every zone of a trace."""
    chosen = _zones_in_turn(trace)
    available = chosen >= 0
    lost = ~available
    lost[1:] |= chosen[1:] != chosen[:-1]
    prices = None
    if all(zone.usd_per_hour is not None for zone in trace.zones):
        table = np.stack([zone.usd_per_hour for zone in trace.zones if zone.usd_per_hour is not None])
        prices = table[np.maximum(chosen, 0), np.arange(trace.steps)]
    return Availability(
        name=trace.name,
        step_hours=trace.step_seconds / SECONDS_PER_HOUR,
        available=available,
        lost=lost,
        usd_per_hour=prices,
    )


def _zones_in_turn(trace: Trace) -> npt.NDArray[np.int64]:
    """The zone of every step, -1 where none has room."""
    if len(trace.zones) == 1:
        return np.where(trace.zones[0].available, 0, -1)
    chosen = np.full(trace.steps, -1)
    current = -1
    for step in range(trace.steps):
        if current < 0 or not trace.zones[current].available[step]:
            open_zones = [index for index, zone in enumerate(trace.zones) if zone.available[step]]
            current = min(open_zones, key=lambda index: _price(trace.zones[index], step), default=-1)
        chosen[step] = current
    return chosen


def _price(zone: Zone, step: int) -> float:
    return 0.0 if zone.usd_per_hour is None else float(zone.usd_per_hour[step])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Equally long pieces of availability with equal steps: a row for each simulated run of the task."""

    step_hours: float
    available: Booleans
    lost: Booleans
    age_hours: Floats
    """For how long availability has been as it is, at the start of the step: since spot came, was lost, or since the
    trace began."""
    usd_per_hour: Floats | None

    @property
    def count(self) -> int:
        """How many windows these are."""
        return len(self.available)


def steps_within(deadline_hours: float, step_hours: float) -> int:
    """How many steps it takes to reach a deadline, the last one maybe in part."""
    return max(1, int(np.ceil(deadline_hours / step_hours - _TOLERANCE)))


def cut_windows(
    availabilities: Sequence[Availability], deadline_hours: float, most: int | None = None
) -> tuple[Windows, ...]:
    """As many windows of a deadline's length as fit without overlap; an item for each length of a step.

    :param most: No more windows than this, the first of each trace first.
    :raises PlanningError: one is shorter than the deadline.
    """
    problems = [
        f"{each.name}: has {each.hours:.4g} h, which must be the deadline's {deadline_hours:g} h or more"
        for each in availabilities
        if len(each.available) < steps_within(deadline_hours, each.step_hours)
    ]
    if problems:
        raise PlanningError.of(problems)
    starts: list[tuple[int, int]] = []
    for index, each in enumerate(availabilities):
        length = steps_within(deadline_hours, each.step_hours)
        starts += [(number, index) for number in range(len(each.available) // length)]
    chosen = sorted(starts)[:most]
    pieces: dict[float, list[tuple[Availability, int]]] = {}
    for number, index in chosen:
        each = availabilities[index]
        pieces.setdefault(each.step_hours, []).append((each, number * steps_within(deadline_hours, each.step_hours)))
    ages = {id(each): _ages(each) for each in availabilities}
    return tuple(_stack(step, rows, deadline_hours, ages) for step, rows in pieces.items())


def _stack(
    step_hours: float, rows: Sequence[tuple[Availability, int]], deadline_hours: float, ages: dict[int, Floats]
) -> Windows:
    length = steps_within(deadline_hours, step_hours)
    priced = all(each.usd_per_hour is not None for each, _ in rows)
    return Windows(
        step_hours=step_hours,
        available=np.stack([each.available[start : start + length] for each, start in rows]),
        lost=np.stack([each.lost[start : start + length] for each, start in rows]),
        age_hours=np.stack([ages[id(each)][start : start + length] for each, start in rows]),
        usd_per_hour=(
            np.stack(
                [each.usd_per_hour[start : start + length] for each, start in rows if each.usd_per_hour is not None]
            )
            if priced
            else None
        ),
    )


def _ages(each: Availability) -> Floats:
    changes = _changes(each)
    steps = np.arange(len(each.available))
    return (steps - steps[changes][np.cumsum(changes) - 1]) * each.step_hours


def _changes(each: Availability) -> Booleans:
    """The steps in which an episode begins: of spot in one place, or of none."""
    changes = np.ones(len(each.available), dtype=np.bool_)
    changes[1:] = (each.available[1:] != each.available[:-1]) | (each.available[1:] & each.lost[1:])
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which availability did not change."""

    available: bool
    hours: float
    followed_by_available: bool | None
    """What came next; None: the trace ends, so that the episode may have been longer."""


def episodes_of(each: Availability) -> Iterator[Episode]:
    """The episodes in their order."""
    starts = np.flatnonzero(_changes(each))
    for start, end in pairwise([*starts.tolist(), len(each.available)]):
        yield Episode(
            available=bool(each.available[start]),
            hours=(end - start) * each.step_hours,
            followed_by_available=bool(each.available[end]) if end < len(each.available) else None,
        )


def split_history(each: Availability, share: float = 0.5) -> tuple[Availability, Availability]:
    """What was before and what comes after, for a policy that may know the past only.

    :param share: The part of the time that is past, between 0 and 1.
    """
    cut = round(len(each.available) * quantities.between("share", share, 0.0, 1.0))
    return _piece(each, slice(0, cut)), _piece(each, slice(cut, None))


def _piece(each: Availability, part: slice) -> Availability:
    return Availability(
        name=each.name,
        step_hours=each.step_hours,
        available=each.available[part],
        lost=each.lost[part],
        usd_per_hour=None if each.usd_per_hour is None else each.usd_per_hour[part],
    )
