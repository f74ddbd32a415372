"""How many replicas, GPUs and instances a target load needs, and what they cost an hour."""

import math
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.prices.book import PriceBook
from planning.prices.model import CAPACITIES, InstancePrice, InstanceType
from planning.quantities import above, between, one_of, problems_of, whole

_ROUNDING = 1e-9
"""A load that exceeds whole replicas by less than this share does so by rounding only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is asked for. Raises PlanningError for numbers that make no sense, all of them at once."""

    target_rps: float
    """Requests a second, all replicas together."""
    headroom: float
    """The share of each replica's knee that is left free, 0 to 0.95."""
    gpus: int
    """GPUs of one replica; 0: it runs on CPUs."""
    measured_replicas: int = 1
    """How many replicas have answered in the measurement, together."""

    def __post_init__(self) -> None:
        problems = list(
            problems_of(
                (
                    lambda: above("--target-rps", self.target_rps, 0.0),
                    lambda: between("--headroom", self.headroom, 0.0, 0.95),
                    lambda: whole("--gpus", self.gpus, 0),
                    lambda: whole("--measured-replicas", self.measured_replicas, 1),
                )
            )
        )
        if problems:
            raise PlanningError.of(problems)


@dataclass(frozen=True, slots=True)
class Offer:
    """An instance that replicas can run on, with its price."""

    type: InstanceType
    price: InstancePrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What carries the target load."""

    replicas: int
    gpus: int
    """GPUs that the replicas use, together."""
    instances: int | None
    """None where no instance is named."""
    usd_per_hour: float | None
    """What the instances cost; None where no instance is named."""


def size(need: Need, knee_rps: float, offer: Offer | None = None) -> Fleet:
    """The fewest replicas that carry the target, each loaded to its knee less the headroom.

    replicas = ceil(target / (knee * (1 - headroom))). Replicas share nothing, so that their throughput adds up. As many
    share an instance as its GPUs allow; a replica without GPUs has one to itself.

    :param knee_rps: Requests a second of all replicas that were measured, at the knee; above 0.
    :raises PlanningError: A replica has more GPUs than the instance.
    """
    each = above("knee", knee_rps, 0.0) / need.measured_replicas
    replicas = max(1, math.ceil(need.target_rps / (each * (1 - need.headroom)) * (1 - _ROUNDING)))
    if offer is None:
        return Fleet(replicas=replicas, gpus=replicas * need.gpus, instances=None, usd_per_hour=None)
    instances = -(-replicas // replicas_on(offer.type, need.gpus))
    return Fleet(
        replicas=replicas,
        gpus=replicas * need.gpus,
        instances=instances,
        usd_per_hour=instances * offer.price.usd_per_hour,
    )


def replicas_on(instance: InstanceType, gpus: int) -> int:
    """How many replicas share an instance. Raises PlanningError where not even one fits."""
    if gpus > instance.gpu_count:
        raise PlanningError(f"--gpus = {gpus}: must be at most {instance.gpu_count}, what {instance.name} has")
    return instance.gpu_count // gpus if gpus else 1


def find_offer(book: PriceBook, instance: InstanceType, region: str, capacity: str) -> Offer:
    """The price of an instance in a region. Raises PlanningError where the book has none, and says where it has."""
    one_of("--capacity", capacity, CAPACITIES)
    prices = [each for each in book.instances if (each.cloud, each.instance_type) == (instance.cloud, instance.name)]
    there = [each for each in prices if each.region == region and each.capacity == capacity]
    if not there:
        known = ", ".join(sorted({each.region for each in prices if each.capacity == capacity})) or "no region"
        raise PlanningError(f"--region = {region!r}: the price book has {instance.name} as {capacity} in {known}")
    # Of zones with prices of their own, the cheapest: any of them will do.
    return Offer(instance, min(there, key=lambda each: (each.usd_per_hour, each.zone)))
