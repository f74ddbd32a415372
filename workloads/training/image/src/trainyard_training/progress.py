"""What the user reads while it trains: one line an interval on stdout, from the first worker only."""

import sys

_INTERVAL_STEPS = 25


class Progress:
    """Collects losses and tells their mean, with the speed, every 25 steps and at the end."""

    def __init__(self, enabled: bool, total_steps: int, steps_per_epoch: int, epochs: int, batch_size: int) -> None:
        self._enabled = enabled
        self._total_steps = total_steps
        self._steps_per_epoch = steps_per_epoch
        self._epochs = epochs
        self._batch_size = batch_size
        self._since_time = 0.0
        self._since_step = 0
        self._losses: list[float] = []

    def say(self, line: str) -> None:
        """Print one line at once."""
        if self._enabled:
            print(line, flush=True)

    def start(self, now: float, step: int) -> None:
        """Begin to measure at time ``now`` (seconds) after ``step`` steps."""
        self._since_time, self._since_step = now, step

    def add(self, loss: float, step: int, now: float, history: list[tuple[int, float]]) -> None:
        """Take the global loss of one step; at the end of an interval append (step, mean) to ``history`` and say it."""
        self._losses.append(loss)
        if step % _INTERVAL_STEPS and step != self._total_steps:
            return
        mean = sum(self._losses) / len(self._losses)
        history.append((step, mean))
        seconds = max(now - self._since_time, 1e-9)
        speed = (step - self._since_step) * self._batch_size / seconds
        epoch = (step - 1) // self._steps_per_epoch + 1
        width = len(str(self._total_steps))
        self.say(
            f"step {step:{width}}/{self._total_steps}  epoch {epoch:{len(str(self._epochs))}}/{self._epochs}"
            f"  loss {mean:.4f}  {speed:,.0f} images/s"
        )
        self._losses.clear()
        self._since_time, self._since_step = now, step


def warn(message: str) -> None:
    """One line on stderr about something that the run survives."""
    print(f"warning: {message}", file=sys.stderr, flush=True)
