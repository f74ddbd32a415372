"""Makes availability traces: spot comes and goes as an alternating renewal process with Weibull lengths.

Lengths of published traces vary more than exponential ones (many are short, a few very long), so a Weibull distribution
is fitted to their mean and variation. The first episode is drawn as an observer meets it who comes at any time:
available with the long-run share, its length in proportion to length, and some of it over already. Lengths are rounded
to whole steps at random, one step at least, so that means are kept but for what is shorter than a step.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from planning import quantities
from planning.quantities import SECONDS_PER_HOUR
from planning.simulation.calibration import Calibration, Episodes
from planning.simulation.traces import Trace, Zone

DEFAULT_STEP_HOURS = 0.1


def generate(calibration: Calibration, hours: float, seed: int, step_hours: float = DEFAULT_STEP_HOURS) -> Trace:
    """A trace of one zone; the same for the same arguments.

    :raises PlanningError: hours or steps that are not positive.
    """
    quantities.above("hours", hours, 0)
    quantities.above("step_hours", step_hours, 0)
    quantities.whole("seed", seed, 0)
    random = np.random.default_rng(seed)
    steps = int(np.ceil(hours / step_hours - 1e-9))
    available = np.zeros(steps, dtype=np.bool_)
    up, down = _Weibull(calibration.up), _Weibull(calibration.down)
    is_up = bool(random.random() < calibration.share)
    end = _whole_steps((up if is_up else down).remaining(random) / step_hours, random)
    start = 0
    while start < steps:
        available[start:end] = is_up
        is_up = not is_up
        start, end = end, end + _whole_steps((up if is_up else down).length(random) / step_hours, random)
    zone = Zone(name=calibration.name, available=available)
    return Trace(name=f"{calibration.name} seed {seed}", step_seconds=step_hours * SECONDS_PER_HOUR, zones=(zone,))


def _whole_steps(steps: float, random: np.random.Generator) -> int:
    return max(1, int(steps + random.random()))


class _Weibull:
    """Random lengths with a given mean and variation."""

    def __init__(self, episodes: Episodes) -> None:
        self._shape = weibull_shape(episodes.variation)
        self._scale = episodes.mean_hours / float(np.exp(gammaln(1 + 1 / self._shape)))

    def length(self, random: np.random.Generator) -> float:
        """The length of an episode in hours."""
        return self._scale * float(random.weibull(self._shape))

    def remaining(self, random: np.random.Generator) -> float:
        """What is left of an episode that is met at a random time, in hours.

        Such an episode is met in proportion to its length; (length / scale)^shape is then gamma distributed.
        """
        met = self._scale * float(random.gamma(1 + 1 / self._shape)) ** (1 / self._shape)
        return met * float(random.random())


def weibull_shape(variation: float) -> float:
    """The shape of the Weibull distribution with this ratio of standard deviation to mean.

    :raises PlanningError: the ratio is outside 0.2 to 20, for which nothing was tried.
    """
    quantities.between("variation", variation, 0.2, 20.0)

    def excess(shape: float) -> float:
        return float(gammaln(1 + 2 / shape) - 2 * gammaln(1 + 1 / shape) - np.log1p(variation**2))

    return float(brentq(excess, 0.1, 10.0))
