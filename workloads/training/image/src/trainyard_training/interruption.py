"""Reasons to stop before the end: a signal, the deadline, or a launcher that is gone.

A signal only raises a flag, which the training loop reads between two steps: every stop is at a step's end.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequest:
    """Watches for reasons to stop. Made before the slow imports, so that no signal is lost to them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self.began = time.time()
        """When it was made, and so the process began, in seconds since the epoch."""
        self._deadline = float("inf")
        self._parent = os.getppid()
        # Set where multiprocessing started this process; its parent may then be a server that forks for the launcher.
        self._launcher = multiprocessing.parent_process()
        self._signal: signal.Signals | None = None

    def watch_signals(self) -> None:
        """Take SIGTERM, SIGINT and SIGHUP from now on. Only the main thread may call it."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def set_deadline(self, seconds_after_start: float) -> None:
        """Ask for a stop so many seconds after this object was made."""
        self._deadline = self._started + seconds_after_start

    @property
    def is_out_of_time(self) -> bool:
        """Whether the deadline is over, and nobody has asked for a stop."""
        return self._signal is None and self._clock() >= self._deadline

    @property
    def reason(self) -> str | None:
        """Why to stop, for people; None while there is no reason."""
        if self._signal is not None:
            return f"received {self._signal.name}"
        if self.is_out_of_time:
            return f"reached the limit of {self._deadline - self._started:g} s"
        # Workers outlive a launcher that is killed outright: torchrun gives them sessions of their own. Left alone,
        # they would write beside the run that is started in their place.
        if os.getppid() != self._parent or not (self._launcher is None or self._launcher.is_alive()):
            return "the launching process is gone"
        return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # The first one is the reason; launchers add others of their own.
        self._signal = self._signal or signal.Signals(number)
