"""How often spot instances are taken away, from the bands in which it is published.

AWS's Spot Instance Advisor tells, for a type in a region, the share of instances that were interrupted during the
trailing month. With a constant hazard, an instance that runs for a whole month of 730 hours is interrupted with the
probability p = 1 - exp(-730 λ), so λ = -ln(1 - p) / 730. What is published is a band: its midpoint is taken.

The bands are averages over all customers, zones and hours of a month. What one account sees may be far worse, most of
all for large GPU types: whoever has figures of their own should plan with those.
"""

import math
from collections.abc import Mapping

from planning.prices.model import InterruptionBand
from planning.quantities import HOURS_PER_MONTH

MONTHLY_SHARES: Mapping[InterruptionBand, float] = {
    "<5%": 0.025,
    "5-10%": 0.075,
    "10-15%": 0.125,
    "15-20%": 0.175,
    ">20%": 0.30,
    "": 0.30,
}
"""The share of instances interrupted in a month that a band stands for: its midpoint.

`>20%` has no upper end: 30 % is assumed. So it is where nobody publishes a band (Google Cloud, Azure), which is taken
for the worst one. Source of the bands: AWS, "Spot Instance Advisor".
"""


def interruptions_per_hour(band: InterruptionBand) -> float:
    """The hazard of one instance: interruptions expected in an hour of its running. Raises KeyError for no band."""
    return -math.log1p(-MONTHLY_SHARES[band]) / HOURS_PER_MONTH


def is_assumed(band: InterruptionBand) -> bool:
    """Whether the hazard rests on an assumption, because no figure bounds it."""
    return band in ("", ">20%")


def fleet_interruptions_per_hour(band: InterruptionBand, nodes: int) -> float:
    """The hazard of a job that stops when any one of its nodes is taken away: the nodes' hazards add up."""
    return nodes * interruptions_per_hour(band)
