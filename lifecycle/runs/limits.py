"""When a run has to stop: by its time, or by what it has cost so far. Pure.

A run costs what its plan costs at full size, from the moment its first deployment begins until all is destroyed. So the
worst case, full price times the longest time, is known before anything is created.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lifecycle.runs.record import RunRecord, moment_of

GRACE_HOURS = 1.0
"""For how long a run may still fetch, destroy and audit once its time is over; then it has expired."""
RESERVE_MINUTES = {"local": 1}
"""Of a run's time, what is not the training's: to make the cluster before it, and to stop in good order."""
OTHER_RESERVE_MINUTES = 30
"""The same in a cloud. EKS takes about 10 minutes to make a control plane, and as long for add-ons and nodes:
https://docs.aws.amazon.com/eks/latest/userguide/create-cluster.html. GKE takes less; a GPU node there waits some
minutes more for its driver."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a run has to stop, and why then."""

    at: datetime
    reason: str

    def seconds_left(self, now: datetime) -> float:
        """How long it may go on; negative where it is over."""
        return (self.at - now).total_seconds()


def reserve_minutes(cloud: str) -> int:
    """What of a run's time is not for training, by where it runs; minutes."""
    return RESERVE_MINUTES.get(cloud, OTHER_RESERVE_MINUTES)


def training_minutes(max_hours: float, cloud: str) -> int:
    """For how long the training may run in a run of at most `max_hours` hours; whole minutes, at least one."""
    return max(1, int(max_hours * 60) - reserve_minutes(cloud))


def expiry(created: datetime, max_hours: float) -> datetime:
    """From when on anybody may destroy a run's stack that was created then."""
    return created + timedelta(hours=max_hours + GRACE_HOURS)


def deadline_of(record: RunRecord) -> Deadline:
    """When the run has to stop: after its time, or when its cost reaches the most that it may cost."""
    began = moment_of(record.deployed_at or record.created)
    by_time = Deadline(began + timedelta(hours=record.max_hours), f"its {record.max_hours:g} hours are over")
    if record.cost.usd_per_hour <= 0:
        return by_time
    hours = record.max_cost_usd / record.cost.usd_per_hour
    if hours >= record.max_hours:
        return by_time
    return Deadline(began + timedelta(hours=hours), f"it has cost the {record.max_cost_usd:.2f} USD that it may")


def with_cost(record: RunRecord, until: datetime | None = None) -> RunRecord:
    """The record with what the run has cost until a moment (now by default); nothing before its first deployment."""
    if record.deployed_at is None:
        return record
    seconds = max(0.0, ((until or datetime.now(UTC)) - moment_of(record.deployed_at)).total_seconds())
    share = record.cost.on_demand_usd_per_hour
    return record.changed(
        cost=record.cost.model_copy(
            update={
                "seconds": round(seconds, 1),
                "usd": round(seconds / 3600 * record.cost.usd_per_hour, 4),
                "on_demand_usd": round(seconds / 3600 * share, 4),
            }
        )
    )
