"""What the user reads while it trains: one line an interval on stdout, from the first worker only."""

import sys

from trainyard_training.reporting.step_log import Entry


class Progress:
    """Tells how far a run is."""

    def __init__(self, enabled: bool, total_steps: int, epochs: int) -> None:
        self._enabled = enabled
        self._total_steps = total_steps
        self._epochs = epochs

    def say(self, line: str) -> None:
        """Print one line at once."""
        if self._enabled:
            print(line, flush=True)

    def tell(self, entry: Entry) -> None:
        """Say an entry of the step log."""
        accuracy = f"  test accuracy {entry['test_accuracy']:.4f}" if "test_accuracy" in entry else ""
        self.say(
            f"step {entry['step']:{len(str(self._total_steps))}}/{self._total_steps}"
            f"  epoch {entry['epoch']:{len(str(self._epochs))}}/{self._epochs}"
            f"  loss {entry['loss']:.4f}  {entry['examples_per_second']:,.0f} examples/s{accuracy}"
        )


def warn(message: str) -> None:
    """One line on stderr about something that the run survives."""
    print(f"warning: {message}", file=sys.stderr, flush=True)
