"""What interruptions cost a job that writes checkpoints: the time it is expected to take, and the best interval.

Interruptions are exponential with mean M hours between them. A checkpoint takes C hours, a restart R hours, and one is
written after every τ hours of useful work. A segment that is interrupted is done again from its checkpoint; a restart
that is interrupted is begun again. Then each τ hours of useful work take

    M · exp(R / M) · (exp((τ + C) / M) - 1)

hours in expectation, exactly (J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart
dumps", Future Generation Computer Systems 22 (2006), equation 20). Its minimum over τ has a closed form with Lambert's
function (M. Bougeret et al., "Checkpointing strategies for parallel jobs", SC 2011, theorem 1); for C much smaller
than M it is J. W. Young's √(2 C M) ("A first order approximation to the optimum checkpoint interval", Communications of
the ACM 17 (1974)).
"""

import math
from dataclasses import dataclass

from scipy.special import lambertw

from planning.quantities import above, at_least

_SMALL = 1e-6
"""Below this ratio of C to M the closed form loses its digits, and the series behind it has all of them."""
_RAREST = 1e-100
"""Interruptions an hour; fewer are none, and the hours between them would soon be no floating-point number."""
_LARGEST_EXPONENT = 700.0
"""exp() of more is no floating-point number: such a job never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRework:
    """What interruptions make of a job."""

    checkpoint_interval_hours: float
    """Useful work between two checkpoints, in hours; infinite where nothing is ever interrupted."""
    multiplier: float
    """Expected hours for each hour of useful work: checkpoints, lost work and restarts included; 1 or more."""


def youngs_interval(checkpoint_hours: float, hours_between_interruptions: float) -> float:
    """Young's first-order interval, √(2 C M), in hours."""
    return math.sqrt(2 * checkpoint_hours * hours_between_interruptions)


def best_checkpoint_interval(checkpoint_hours: float, interruptions_per_hour: float) -> float:
    """The interval, in hours of useful work, with the least expected time; it does not depend on the restart time.

    Infinite without interruptions, and with fewer than one in 1e100 hours; 0 (without end often) where a checkpoint
    takes no time. Raises PlanningError for negative or non-finite input.
    """
    at_least("checkpoint_hours", checkpoint_hours, 0)
    at_least("interruptions_per_hour", interruptions_per_hour, 0)
    if interruptions_per_hour < _RAREST:
        return math.inf
    mean = 1 / interruptions_per_hour
    ratio = checkpoint_hours / mean
    if ratio < _SMALL:
        # Daly 2006, equation 37: the series of the closed form.
        root = math.sqrt(ratio / 2)
        return youngs_interval(checkpoint_hours, mean) * (1 + root / 3 + root**2 / 9) - checkpoint_hours
    return mean * (1 + float(lambertw(-math.exp(-1 - ratio)).real))


def rework_multiplier(
    interval_hours: float, *, checkpoint_hours: float, restart_hours: float, interruptions_per_hour: float
) -> float:
    """Expected hours for each hour of useful work with this interval; infinite where the job would never end.

    Raises PlanningError for negative or non-finite input, and for an interval of 0 unless a checkpoint takes no time.
    """
    at_least("checkpoint_hours", checkpoint_hours, 0)
    at_least("restart_hours", restart_hours, 0)
    at_least("interruptions_per_hour", interruptions_per_hour, 0)
    if interruptions_per_hour < _RAREST:
        # An infinite interval is no checkpoint at all.
        return 1 + checkpoint_hours / interval_hours
    if checkpoint_hours > 0 or interval_hours != 0:
        above("interval_hours", interval_hours, 0)
    exponent = (interval_hours + checkpoint_hours) * interruptions_per_hour
    restart = restart_hours * interruptions_per_hour
    if exponent + restart > _LARGEST_EXPONENT:
        return math.inf
    if interval_hours == 0:
        return math.exp(restart)
    return math.exp(restart) * math.expm1(exponent) / (interval_hours * interruptions_per_hour)


def best_rework(*, checkpoint_hours: float, restart_hours: float, interruptions_per_hour: float) -> SpotRework:
    """The best checkpoint interval and what it makes of a job. Raises PlanningError as the functions above do."""
    interval = best_checkpoint_interval(checkpoint_hours, interruptions_per_hour)
    return SpotRework(
        checkpoint_interval_hours=interval,
        multiplier=rework_multiplier(
            interval,
            checkpoint_hours=checkpoint_hours,
            restart_hours=restart_hours,
            interruptions_per_hour=interruptions_per_hour,
        ),
    )


def expected_spot_hours(
    useful_hours: float, *, checkpoint_hours: float, restart_hours: float, interruptions_per_hour: float
) -> float:
    """Hours that so much useful work takes on spot capacity, in expectation, with the best checkpoint interval.

    The work is taken to be long beside the interval, so that it is any number of intervals, not only a whole one.
    Raises PlanningError for negative or non-finite input.
    """
    at_least("useful_hours", useful_hours, 0)
    rework = best_rework(
        checkpoint_hours=checkpoint_hours, restart_hours=restart_hours, interruptions_per_hour=interruptions_per_hour
    )
    return useful_hours * rework.multiplier if useful_hours else 0.0
