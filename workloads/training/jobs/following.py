"""Following a job's output until it has ended."""

import time
from collections.abc import Callable, Iterator

from workloads.training.jobs.platform import connect
from workloads.training.jobs.records import JobFolder
from workloads.training.jobs.states import JobStatus
from workloads.training.jobs.submission import refresh


def follow(
    folder: JobFolder, poll_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str | JobStatus]:
    """Yield the job's lines from its first one, and its status whenever the state changes; the last one is its end.

    Raises:
        JobError: there is no such job, or its platform does not tell.
    """
    platform = connect(folder.platform())
    position: str | None = None
    state = None
    while True:
        # Asked before the lines are read, so that after the end all of them are.
        record = refresh(folder)
        if record.status.state != state and not record.status.has_ended:
            state = record.status.state
            yield record.status
        lines, position = platform.output(folder, record, position)
        yield from lines
        if record.status.has_ended:
            yield record.status
            return
        if not lines:
            sleep(poll_seconds)
