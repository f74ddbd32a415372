"""How a process of this package ended, as its exit code.

torchrun itself exits with 1 whenever a worker's code is not 0 and whenever it is sent SIGTERM. So rank workers also
write their status to the file that the environment variable ``TRAINYARD_EXIT_STATUS_FILE`` names, the first one to end
with something else than success winning; ``trainyard_training.launch`` runs torchrun with such a file and exits with
what it holds. Whoever starts plain torchrun can name a file and read it likewise.

Numbers follow sysexits.h where it has a fitting one.
"""

import os
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

STATUS_FILE_VARIABLE = "TRAINYARD_EXIT_STATUS_FILE"


class ExitStatus(IntEnum):
    """What a caller can do about it is in each member's docstring."""

    DONE = 0
    """The model is published (or the dataset is in place), by this run or an earlier one."""
    FAILED = 1
    """An error that nobody foresaw, or a worker that was killed: see the log. Running again resumes."""
    BAD_SPECIFICATION = 2
    """The specification file cannot be used, or the run's checkpoints are of another one. Nothing was touched."""
    BAD_DATA = 65
    """A shard or the index is missing, truncated or altered: run the loader again."""
    UNAVAILABLE = 69
    """The object store or the key service does not answer. Running again resumes."""
    DIVERGED = 70
    """The loss became NaN or infinite. The last checkpoint is from before; a lower learning rate may help."""
    MODEL_REFUSED = 71
    """The model is below the target accuracy, or its export computes something else. Nothing was published."""
    TOO_DEAR = 72
    """The run has cost as much as it may. There is a checkpoint: raise maximum_cost_usd and run again to go on."""
    NO_SPACE = 73
    """A disk is full. Nothing was stored half: make room and run again, which resumes."""
    OUT_OF_TIME = 74
    """Stopped at max_runtime_seconds, with a checkpoint: run again to go on."""
    STOPPED_EARLY = 75
    """Stopped by a signal, or without its peers, with a checkpoint: run again to go on."""
    ACCESS_REFUSED = 77
    """The identity may not read or write an object or use the key, or the key is the wrong one."""


def record(status: ExitStatus) -> None:
    """Write the status where the caller asked for it; the first failure stays, success never replaces one.

    Raises:
        OSError: the file that the environment names cannot be written.
    """
    path = os.environ.get(STATUS_FILE_VARIABLE)
    if not path:
        return
    if status is ExitStatus.DONE:
        return  # No file means that nothing went wrong: torchrun's own 0 says the rest.
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{status.value}\n")


def recorded(path: Path) -> ExitStatus | None:
    """The status that workers wrote to ``path``, None where none of them wrote one."""
    try:
        return ExitStatus(int(path.read_text()))
    except (FileNotFoundError, ValueError):
        return None
