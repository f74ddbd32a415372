"""What is taken of each node over time, by running jobs and by those that have a place ahead."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from planning.jobs.model import Job, Node

EPSILON = 1e-9


class Occupancy:
    """The nodes' calendars. Times are hours."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._calendars = [_Calendar(node) for node in nodes]

    def take(self, job: Job, node: int, start: float, end: float) -> None:
        """Note that a job has a node's GPUs and memory for a time."""
        self._calendars[node].take(job, start, end)

    def earliest(self, job: Job, hours: float, not_before: float) -> tuple[float, int]:
        """The first time at which a node has room for the job for so many hours, and which node.

        Of several nodes with room at that time, the one with the least left over: big rooms stay for big jobs.
        """
        best = (float("inf"), float("inf"), float("inf"), -1)
        for index, calendar in enumerate(self._calendars):
            if job.fits(calendar.node):
                start = calendar.first_room(job, hours, not_before, best[0])
                if start is not None:
                    best = min(best, (start, calendar.gpus_left(start), calendar.node.gpu_memory_gib, index))
        return best[0], best[3]

    def earliest_on(self, node: int, job: Job, hours: float, not_before: float) -> float:
        """The first time at which this node has room for the job for so many hours."""
        start = self._calendars[node].first_room(job, hours, not_before, float("inf"))
        assert start is not None, "after the last job there is room for all that fits"
        return start


class _Calendar:
    """One node: what is taken from each time of change to the next."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._times = [0.0]
        self._gpus = [0]
        self._memory = [0.0]

    def take(self, job: Job, start: float, end: float) -> None:
        """Raise what is taken between two times."""
        for place in range(self._change_at(start), self._change_at(end)):
            self._gpus[place] += job.gpus
            self._memory[place] += job.memory_gib

    def first_room(self, job: Job, hours: float, not_before: float, latest: float) -> float | None:
        """The first start up to `latest`: at once, or when something else ends."""
        gpus = self.node.gpus - job.gpus
        memory = float("inf") if self.node.memory_gib is None else self.node.memory_gib - job.memory_gib + EPSILON
        start = not_before
        for place in range(self._place_at(not_before), len(self._times)):
            if start > latest + EPSILON:
                return None
            if self._times[place] >= start + hours - EPSILON:
                return start
            if self._gpus[place] > gpus or self._memory[place] > memory:
                # The last entry is empty, so that something follows every one that is too full.
                start = self._times[place + 1]
        return start if start <= latest + EPSILON else None

    def gpus_left(self, time: float) -> int:
        """GPUs that nothing has taken at a time."""
        return self.node.gpus - self._gpus[self._place_at(time)]

    def _place_at(self, time: float) -> int:
        return bisect_right(self._times, time + EPSILON) - 1

    def _change_at(self, time: float) -> int:
        """The place of the change at this time, put in if there was none."""
        place = bisect_left(self._times, time - EPSILON)
        if place == len(self._times) or self._times[place] > time + EPSILON:
            self._times.insert(place, time)
            self._gpus.insert(place, self._gpus[place - 1])
            self._memory.insert(place, self._memory[place - 1])
        return place
