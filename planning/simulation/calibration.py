"""What published traces say of spot availability: how long it lasts, how long it is away, and how much that varies.

Measured on the traces of "Can't Be Late" (Wu et al., NSDI 2024), published at github.com/skypilot-org/spot-traces: the
single-node availability traces of AWS from 2023-02-15 (45 days, a probe each 195 s) and 2022-10-26 (a probe each 600
s). Every episode between two changes counts once, those cut off by the trace's ends included. Bands are those of AWS's
Spot Instance Advisor; they tell interruptions but not for how long spot is away, which is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from planning.prices.model import InterruptionBand
from planning.spot.interruption import MONTHLY_SHARES, interruptions_per_hour

ARTIFACT = "measured on github.com/skypilot-org/spot-traces (Wu et al., NSDI 2024)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episodes:
    """The lengths of the times in one state."""

    mean_hours: float
    variation: float
    """Standard deviation divided by the mean; 1 for exponential lengths, above it where many are short and few long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """An alternating renewal process: available and unavailable in turn, each for an independent random time."""

    name: str
    up: Episodes
    """While spot is available."""
    down: Episodes
    """While it is not."""
    source: str

    @property
    def share(self) -> float:
        """The share of time in which spot is available."""
        return self.up.mean_hours / (self.up.mean_hours + self.down.mean_hours)


def _measured(name: str, up: tuple[float, float], down: tuple[float, float], what: str) -> Calibration:
    return Calibration(
        name=name,
        up=Episodes(mean_hours=up[0], variation=up[1]),
        down=Episodes(mean_hours=down[0], variation=down[1]),
        source=f"{ARTIFACT}: {what}",
    )


# Mean hours and variation while available, then while not.
_2023 = "p3.2xlarge (1 V100), 45 days from 2023-02-15"
_2022 = "27 days from 2022-10-26 by the files' own step of 600 s (the page says 13 days)"
_ZONES = (
    _measured("v100x1:us-east-1a", (0.72, 1.49), (3.58, 2.57), _2023),
    _measured("v100x1:us-east-1c", (1.48, 2.12), (1.69, 1.65), _2023),
    _measured("v100x1:us-east-1d", (1.66, 2.14), (2.05, 2.35), _2023),
    _measured("v100x1:us-east-1f", (2.26, 2.03), (1.56, 1.83), _2023),
    _measured("v100x1:us-east-2a", (5.68, 2.41), (1.80, 1.73), _2023),
    _measured("v100x1:us-east-2b", (4.26, 1.77), (1.98, 1.46), _2023),
    _measured("v100x1:us-west-2a", (6.06, 2.56), (0.81, 1.42), _2023),
    _measured("v100x1:us-west-2b", (10.40, 2.49), (1.10, 1.34), _2023),
    _measured("v100x1:us-west-2c", (6.81, 2.62), (0.84, 1.49), _2023),
    _measured("k80x1:us-west-2a", (4.36, 1.60), (0.53, 4.04), f"1 K80, {_2022}"),
    _measured("k80x8:us-west-2a", (1.57, 1.38), (3.22, 2.66), f"8 K80, {_2022}"),
    _measured("v100x8:us-west-2a", (1.16, 4.40), (1.25, 1.98), f"8 V100, {_2022}"),
    _measured("k80x1:us-west-2b", (1.61, 2.26), (12.20, 4.19), f"1 K80, {_2022}"),
    _measured("k80x8:us-west-2b", (1.08, 1.39), (1.56, 2.22), f"8 K80, {_2022}"),
    _measured("v100x8:us-west-2b", (0.76, 1.81), (0.87, 2.51), f"8 V100, {_2022}"),
)

ASSUMED_ABSENCE = Episodes(mean_hours=1.69, variation=1.65)
"""For how long spot is away in a band of the Spot Instance Advisor: the median of the nine V100 zones of 2023."""


def _band(band: InterruptionBand) -> Calibration:
    return Calibration(
        name=f"band:{band}",
        up=Episodes(mean_hours=1 / interruptions_per_hour(band), variation=1.0),
        down=ASSUMED_ABSENCE,
        source=(
            f"AWS Spot Instance Advisor: {band} interrupted in a month, taken as {MONTHLY_SHARES[band]:.1%} at a "
            f"constant rate; away for {ASSUMED_ABSENCE.mean_hours:g} h on average, which is assumed"
        ),
    )


CALIBRATIONS: Mapping[str, Calibration] = {
    each.name: each for each in (*_ZONES, *(_band(band) for band in MONTHLY_SHARES if band))
}
"""What can be generated, by name."""
