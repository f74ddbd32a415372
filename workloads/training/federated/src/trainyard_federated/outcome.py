"""How a run ended: from an error to one message and one exit status, handed from the ServerApp to who waits for it."""

import sys
from collections.abc import Callable
from pathlib import Path

from trainyard_federated.coordination import SitesMissingError
from trainyard_federated.processes import ProcessEndedError
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures

JOB_VARIABLE = "TRAINYARD_FEDERATED_JOB"
"""Path of the job file."""
STARTED_VARIABLE = "TRAINYARD_FEDERATED_STARTED"
"""When the coordinator began, in seconds since the epoch."""
STATUS_VARIABLE = "TRAINYARD_FEDERATED_STATUS"
"""Path of the file that the ServerApp leaves its exit status in."""


def told(action: Callable[[], ExitStatus]) -> ExitStatus:
    """Run ``action``; an error becomes a message on stderr and a status, as everywhere in training."""

    def with_ours() -> ExitStatus:
        try:
            return action()
        except SitesMissingError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            return ExitStatus.UNAVAILABLE
        except ProcessEndedError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            return status_of_process(error.status)

    return report_failures(with_ours)


def status_of_process(status: int) -> ExitStatus:
    """What one of the processes has ended with, as the whole run's status; an end that is not its own is a failure."""
    known = {each.value for each in ExitStatus if each is not ExitStatus.DONE}
    return ExitStatus(status) if status in known else ExitStatus.FAILED


def say(line: str) -> None:
    """Tell the user one line at once."""
    print(line, flush=True)


def warn(message: str) -> None:
    """One line on stderr about something that the run survives."""
    print(f"warning: {message}", file=sys.stderr, flush=True)


def read_status(path: Path) -> ExitStatus:
    """What the ServerApp left; a ServerApp that left nothing was killed or never began."""
    try:
        return ExitStatus(int(path.read_text()))
    except (FileNotFoundError, ValueError):
        return ExitStatus.FAILED
