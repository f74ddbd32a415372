"""How a job is doing, the same on every platform."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from trainyard_artifacts.specification import Specification
from workloads.training.jobs.limits import cost_usd

State = Literal["queued", "starting", "running", "stopping", "succeeded", "failed", "stopped"]
"""queued: waits for capacity. starting: instances, image or processes are being made ready. stopping: was asked to stop
and may still write a checkpoint. stopped: ended on request or at a limit; submitted again it goes on."""

ENDED: frozenset[State] = frozenset({"succeeded", "failed", "stopped"})


class JobStatus(Specification):
    """One job at one moment."""

    state: State
    reason: str = ""
    """Why it is in this state, in one line; empty: the state says it all."""
    created: datetime
    started: datetime | None = None
    """When it began to cost."""
    ended: datetime | None = None
    seconds: float = Field(default=0.0, ge=0, strict=False)
    """Time that it costs: over all restarts, and on SageMaker the billed one once that is known."""
    usd_per_hour: float | None = None
    """Price of all instances together; null: unknown."""
    metrics: dict[str, float] = Field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED

    @property
    def cost_usd(self) -> float | None:
        """Cost so far; None: the price is unknown."""
        return cost_usd(self.seconds, self.usd_per_hour)

    @property
    def cost_text(self) -> str:
        """Cost so far, for people."""
        cost = self.cost_usd
        return "price unknown" if cost is None else f"{cost:.2f} USD"

    def document(self) -> dict[str, Any]:
        """As JSON, with the cost."""
        return {**self.model_dump(mode="json"), "cost_usd": self.cost_usd}


def seconds_between(start: datetime | None, end: datetime | None) -> float:
    """From start to end, or to now where there is no end yet; 0 where there is no start."""
    return max(((end or datetime.now(UTC)) - start).total_seconds(), 0.0) if start else 0.0


def one_line(text: str) -> str:
    """A platform's message as one line of at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 500 else f"{line[:497]}..."
