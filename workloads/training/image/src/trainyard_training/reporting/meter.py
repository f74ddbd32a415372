"""Collects what happens in the steps of an interval, and makes the log's entry of it."""

import math
import resource
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from trainyard_training.failures import DivergedError
from trainyard_training.learner import StepResult
from trainyard_training.reporting.step_log import Entry
from trainyard_training.workers import Workers


class Meter:
    """Every worker has one; ``settle`` and ``entry`` are asked of all of them together.

    Losses stay on the device until they are settled, so that no step waits for the one before.
    """

    def __init__(
        self, workers: Workers, *, batch_size: int, steps_per_epoch: int, first_step: int, before_seconds: float
    ) -> None:
        self._workers = workers
        self._batch_size = batch_size
        self._steps_per_epoch = steps_per_epoch
        self._started = time.monotonic()
        self._before_seconds = before_seconds
        self._unsettled: list[Tensor] = []
        self._norm: Tensor | None = None
        self._settled_step = first_step
        self._interval_losses: list[float] = []
        self._epoch_losses: list[float] = []
        self._interval_began = self._started
        self._interval_step = first_step
        self._waited_before = 0.0
        self._stall = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """The run's time so far, all its attempts together, as this worker sees it."""
        return self._before_seconds + time.monotonic() - self._started

    @property
    def epoch_loss(self) -> float:
        """Mean loss of the steps of the current epoch that this attempt has made and settled."""
        return sum(self._epoch_losses) / max(len(self._epoch_losses), 1)

    def add(self, result: StepResult) -> None:
        """Take one step's result."""
        self._unsettled.append(result.loss)
        self._norm = result.gradient_norm

    def stalled(self, action: Callable[[], None]) -> None:
        """Do what training stands still for."""
        began = time.monotonic()
        action()
        self._stall += time.monotonic() - began

    @staticmethod
    def require_finite(loss: float, step: int) -> None:
        """Raises DivergedError where the loss of a step is not a finite number."""
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss} at step {step}")

    def settle(self) -> None:
        """Learn from all workers how large the losses since the last call were.

        Raises:
            DivergedError: one is not a finite number; it is told of which step.
        """
        sums = self._workers.sum([float(loss) for loss in self._unsettled])
        self._unsettled.clear()
        for total in sums:
            if self._settled_step % self._steps_per_epoch == 0:
                self._epoch_losses.clear()
            self._settled_step += 1
            loss = total / self._workers.count
            self.require_finite(loss, self._settled_step)
            self._interval_losses.append(loss)
            self._epoch_losses.append(loss)

    def entry(self, learning_rate: float, waited_seconds: float) -> Entry:
        """The log's entry for the steps since the last one; they are settled, and there is one at least.

        :param waited_seconds: For how long this worker has waited for data since it began.
        """
        now = time.monotonic()
        seconds = max(now - self._interval_began, 1e-9)
        (waited,) = self._workers.sum([waited_seconds - self._waited_before])
        steps = self._settled_step - self._interval_step
        entry: Entry = {
            "step": self._settled_step,
            "epoch": (self._settled_step - 1) // self._steps_per_epoch + 1,
            "loss": sum(self._interval_losses) / len(self._interval_losses),
            "learning_rate": learning_rate,
            "gradient_norm": None if self._norm is None else float(self._norm),
            "examples_per_second": steps * self._batch_size / seconds,
            "data_wait_share": waited / self._workers.count / seconds,
            "checkpoint_stall_seconds": self._stall,
            "memory_mib": peak_memory_mib(self._workers.device),
            "elapsed_seconds": self.elapsed_seconds,
            "time": time.time(),
        }
        self._interval_losses.clear()
        self._interval_began, self._interval_step = now, self._settled_step
        self._waited_before, self._stall = waited_seconds, 0.0
        return entry


def peak_memory_mib(device: torch.device) -> float:
    """Most memory that this process has had so far."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In KiB on Linux, in bytes on macOS.
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
