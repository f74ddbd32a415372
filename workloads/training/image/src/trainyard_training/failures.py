"""Which exit status each foreseen error becomes, and the one line that the user reads about it.

An error that nobody foresaw keeps its traceback.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable

from trainyard_artifacts.envelope import EnvelopeError, KeyRefusedError
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import AccessRefusedError, NoSpaceError, ObjectNotFoundError, StorageError
from trainyard_training.data.examples import DataError
from trainyard_training.exit_status import ExitStatus, record

# The launcher names the worker that it sees end first: not one that only lost another. Seconds.
_LOST_SECONDS = 2.0


class DivergedError(Exception):
    """The loss is no longer a finite number."""


class ModelRefusedError(Exception):
    """The trained model is not fit to be published. Every worker finds that out; the first one says so."""


class WorkerLostError(Exception):
    """Another worker of the group is gone. It is that one whose end is worth telling."""


_STATUS_OF: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (SpecificationError, ExitStatus.BAD_SPECIFICATION),
    (DataError, ExitStatus.BAD_DATA),
    (DivergedError, ExitStatus.DIVERGED),
    (ModelRefusedError, ExitStatus.MODEL_REFUSED),
    (AccessRefusedError, ExitStatus.ACCESS_REFUSED),
    (ObjectNotFoundError, ExitStatus.ACCESS_REFUSED),
    (KeyRefusedError, ExitStatus.ACCESS_REFUSED),
    (NoSpaceError, ExitStatus.NO_SPACE),
    (StorageError, ExitStatus.UNAVAILABLE),
    (EnvelopeError, ExitStatus.UNAVAILABLE),
    (ArtifactError, ExitStatus.FAILED),
)


def speaks_for_the_group() -> bool:
    """Whether this process is the worker that says what all of them find."""
    return os.environ.get("RANK", "0") == "0"


def status_of(error: Exception) -> ExitStatus | None:
    """The status that a foreseen error stands for, None for any other."""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), None)


def report_failures(action: Callable[[], ExitStatus]) -> ExitStatus:
    """Run ``action``; an error becomes a message on stderr and a status. The status is also recorded for the caller."""
    try:
        status = action()
    except WorkerLostError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        time.sleep(_LOST_SECONDS)
        return ExitStatus.FAILED
    except Exception as error:
        foreseen = status_of(error)
        if foreseen is None:
            traceback.print_exc()
        elif not isinstance(error, ModelRefusedError) or speaks_for_the_group():
            print(f"error: {error}", file=sys.stderr, flush=True)
        status = foreseen or ExitStatus.FAILED
    record(status)
    return status
