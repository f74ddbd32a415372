"""How far a training is, as the lines that it prints tell, and when it will be through. Pure.

The lines are those of `trainyard_training.reporting.progress`; a test holds the two together.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

_RUN = re.compile(r"^run \S+/\S+: .* (\d+) workers on .* (\d+) steps$")
_STEP = re.compile(r"^step +(\d+)/(\d+)  epoch +(\d+)/(\d+)  loss (\S+)(?:.*  test accuracy (\d\.\d+))?")
_RESUMED = re.compile(r"^resumed from the checkpoint of step (\d+)$")
_CHECKPOINT = re.compile(r"^checkpoint of step (\d+)$")
_STOPPED = re.compile(r"^stopped (?:at step (\d+)|before the start)")
_PUBLISHED = re.compile(r"^published .*: test accuracy (\d\.\d+)")
_SAMPLES = 40
_LEAST_SECONDS = 1.0
"""Over a shorter time the pace is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowingState:
    """What is known so far."""

    stage: str = "waiting"
    """waiting (no line yet), training, stopped, finishing (all steps are made) or published."""
    step: int = 0
    total_steps: int = 0
    """0: not known yet."""
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None
    """On the test split; None: not measured yet."""
    workers: int = 0
    saved_step: int = 0
    attempts: int = 0
    """How often the training has begun."""
    samples: tuple[tuple[float, int], ...] = ()
    """When, in seconds since the epoch, which step was told; of this attempt, oldest first."""

    def after(self, line: str, now: float) -> "FollowingState":
        """What is known after another line; any other text changes nothing.

        :param now: When the line was read, in seconds since the epoch.
        """
        if found := _STEP.match(line):
            return self._at_step(found, now)
        if found := _RUN.match(line):
            return replace(
                self,
                stage="training",
                workers=int(found[1]),
                total_steps=int(found[2]),
                attempts=self.attempts + 1,
                samples=((now, 0),),
                step=0,
            )
        if found := _RESUMED.match(line):
            step = int(found[1])
            return replace(self, step=step, saved_step=step, samples=((now, step),))
        if found := _CHECKPOINT.match(line):
            return replace(self, saved_step=max(int(found[1]), self.saved_step))
        if found := _STOPPED.match(line):
            return replace(self, stage="stopped", step=int(found[1] or self.step), samples=())
        if found := _PUBLISHED.match(line):
            return replace(self, stage="published", accuracy=_number(found[1]), samples=())
        return self

    def after_all(self, lines: Iterable[str], now: float) -> "FollowingState":
        """What is known after several lines that were read together."""
        state = self
        for line in lines:
            state = state.after(line, now)
        return state

    @property
    def steps_per_second(self) -> float | None:
        """The pace of the last steps, with all that they wait for; None: not known yet."""
        if len(self.samples) < 2:
            return None
        (since, first), (until, last) = self.samples[0], self.samples[-1]
        if until - since < _LEAST_SECONDS or last <= first:
            return None
        return (last - first) / (until - since)

    def seconds_left(self, now: float) -> float | None:
        """Until the last step is made, at this pace; None: not known. Evaluation and publishing come after it."""
        pace = self.steps_per_second
        if pace is None or not self.total_steps:
            return None
        since = now - self.samples[-1][0]
        return max((self.total_steps - self.step) / pace - since, 0.0)

    def text(self, now: float, usd: float) -> str:
        """One line for a person.

        :param usd: What the run has cost so far, in US dollars.
        """
        parts = [_STAGES[self.stage]]
        if self.total_steps:
            parts.append(f"step {self.step:,}/{self.total_steps:,}")
        if self.epochs:
            parts.append(f"epoch {self.epoch}/{self.epochs}")
        if self.loss is not None:
            parts.append(f"loss {self.loss:.4f}")
        if self.accuracy is not None:
            parts.append(f"test accuracy {self.accuracy:.4f}")
        if self.workers:
            parts.append(f"{self.workers} worker{'s' if self.workers > 1 else ''}")
        if self.attempts > 1:
            parts.append(f"begun {self.attempts} times")
        parts.append(f"${usd:,.2f} so far")
        parts.append(self._end_text(now))
        return "  ".join(part for part in parts if part)

    def _end_text(self, now: float) -> str:
        if self.stage in ("finishing", "published"):
            return ""
        left = self.seconds_left(now)
        if left is None:
            return "end unknown"
        moment = datetime.fromtimestamp(now + left, UTC)
        return f"last step about {moment:%H:%M} UTC (in {duration_text(left)})"

    def _at_step(self, found: "re.Match[str]", now: float) -> "FollowingState":
        step, total = int(found[1]), int(found[2])
        samples = self.samples
        if samples and step < samples[-1][1]:
            samples = ()
        # Lines that were read together say nothing about how long the steps between them took.
        if len(samples) > 1 and samples[-1][0] == now:
            samples = samples[:-1]
        elif samples and samples[-1][0] == now:
            samples = ()
        accuracy = _number(found[6]) if found[6] else None
        return replace(
            self,
            stage="finishing" if step >= total else "training",
            step=step,
            total_steps=total,
            epoch=int(found[3]),
            epochs=int(found[4]),
            loss=_number(found[5]),
            accuracy=self.accuracy if accuracy is None else accuracy,
            attempts=max(self.attempts, 1),
            samples=(*samples[-_SAMPLES:], (now, step)),
        )


_STAGES = {
    "waiting": "training has not begun",
    "training": "training",
    "stopped": "training has stopped, with a checkpoint",
    "finishing": "all steps are made; evaluating and publishing",
    "published": "published",
}


def duration_text(seconds: float) -> str:
    """So many seconds in words, coarser the longer it is."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
