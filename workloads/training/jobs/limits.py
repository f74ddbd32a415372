"""How long a job may run, from its maximum run time and its maximum cost. Pure."""

import math
from dataclasses import dataclass

from trainyard_training.specification import TrainingSpecification

HOUR = 3600.0
MANAGED_GRACE_SECONDS = 120
"""Between SageMaker's SIGTERM and its SIGKILL. Source: StopTrainingJob's reference."""
MANAGED_START_SECONDS = 600
"""For pulling the image and starting, which a managed platform counts and the trainer does not."""
LEAST_SECONDS = 60


@dataclass(frozen=True)
class Limit:
    """After so long over all restarts a job is asked to stop."""

    seconds: float
    reason: str


def limit_of(job: TrainingSpecification) -> Limit:
    """The shorter one of the maximum run time and of what the maximum cost buys."""
    by_cost = seconds_for_cost(job)
    if by_cost < job.max_runtime_seconds:
        return Limit(by_cost, f"reached maximum_cost_usd {job.maximum_cost_usd:g}")
    return Limit(job.max_runtime_seconds, f"reached max_runtime_seconds {job.max_runtime_seconds:g}")


def seconds_for_cost(job: TrainingSpecification) -> float:
    """What ``maximum_cost_usd`` buys at ``resources.usd_per_hour``, in seconds; infinite without a limit."""
    price = job.resources.usd_per_hour
    if job.maximum_cost_usd is None or not price:
        return math.inf
    return job.maximum_cost_usd / price * HOUR


def managed_seconds(job: TrainingSpecification) -> int:
    """When a managed platform ends the job, should the trainer not have ended itself.

    Run time is no promise to the last second, so the trainer, which leaves a checkpoint, goes first. Cost is one: the
    platform's grace lies before the limit. May be too small to be of use; ``problems`` says so.
    """
    by_time = math.ceil(job.max_runtime_seconds) + MANAGED_START_SECONDS + MANAGED_GRACE_SECONDS
    by_cost = seconds_for_cost(job)
    return by_time if math.isinf(by_cost) else min(by_time, math.floor(by_cost) - MANAGED_GRACE_SECONDS)


def cost_usd(seconds: float, usd_per_hour: float | None) -> float | None:
    """What so many seconds cost; None where the price is unknown."""
    return None if usd_per_hour is None else seconds * usd_per_hour / HOUR
