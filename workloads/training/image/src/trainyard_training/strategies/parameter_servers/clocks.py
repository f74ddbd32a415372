"""Who may go on: the bookkeeping of bounded staleness, as each server keeps it.

A worker's clock is the number of steps that it has made. Stale synchronous parallel (Ho et al., "More Effective
Distributed ML via a Stale Synchronous Parallel Parameter Server", NIPS 2013): a worker may start its step ``c`` once
the slowest worker's clock is at least ``c - staleness``. The slowest one may always start, so there is no deadlock.
"""


class Clocks:
    """The workers' clocks. Workers are named by their numbers, from 0."""

    def __init__(self, workers: int, start: int = 0) -> None:
        """
        :param start: Every worker's clock at the beginning: steps that were made before a restart.
        """
        self._made = dict.fromkeys(range(workers), start)
        self._furthest_started = start - 1
        self.stop_step: int | None = None
        """The step that no worker starts, since somebody asked to stop: all of them make those before it."""

    @property
    def slowest(self) -> float:
        """Steps that every worker has made; infinite when all have finished."""
        return min(self._made.values(), default=float("inf"))

    def may_start(self, step: int, ahead: int) -> bool:
        """Whether a worker may start its step ``step`` where it may be ``ahead`` steps before the slowest."""
        return self.slowest >= step - ahead

    def start(self, step: int) -> None:
        """Note that a worker was told to go on with ``step``."""
        self._furthest_started = max(self._furthest_started, step)

    def advance(self, worker: int) -> None:
        """Note that a worker has made its step."""
        self._made[worker] += 1

    def finish(self, worker: int) -> None:
        """Note that a worker makes no more steps: it no longer holds back the others."""
        self._made.pop(worker, None)

    def request_stop(self) -> None:
        """Choose the step to stop at: the first that no worker has started. The first request decides."""
        if self.stop_step is None:
            self.stop_step = self._furthest_started + 1
