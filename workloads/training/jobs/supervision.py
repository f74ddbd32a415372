"""What follows from the end of a launcher: run it again, or the job has ended, and how. Pure."""

from dataclasses import dataclass

from trainyard_training.exit_status import ExitStatus
from workloads.training.jobs.exit_meaning import meaning_of
from workloads.training.jobs.states import State


@dataclass(frozen=True)
class Ending:
    """What the supervisor knows when the launcher has ended."""

    exit_code: int
    stop_reason: str | None
    """Why the supervisor asked for a stop, None where it did not."""
    limit_reached: str | None
    """The limit of time or money that the job is at, whoever has noticed."""
    restarts: int
    """How often the job was run again so far."""
    most_restarts: int
    killed: bool = False
    """Whether the supervisor killed it after its grace."""


@dataclass(frozen=True)
class Verdict:
    """``state`` None: run it again."""

    state: State | None
    reason: str


def judge(ending: Ending) -> Verdict:
    """Success counts whatever was asked for; a stop that was asked for is no failure; only an early stop that nobody
    asked for is run again."""
    code, early = ending.exit_code, ending.exit_code == ExitStatus.STOPPED_EARLY
    if code == ExitStatus.DONE:
        return Verdict("succeeded", "")
    if ending.stop_reason is not None:
        if early or code == ExitStatus.OUT_OF_TIME:
            return Verdict("stopped", f"{ending.stop_reason}, with a checkpoint; submit it again to go on")
        how = "was killed after its grace" if ending.killed else meaning_of(code)
        return Verdict("stopped", f"{ending.stop_reason}, without a last checkpoint: {how}")
    if code in (ExitStatus.TOO_DEAR, ExitStatus.OUT_OF_TIME):
        return Verdict("stopped", meaning_of(code))
    if not early:
        return Verdict("failed", meaning_of(code))
    if ending.limit_reached is not None:
        return Verdict("stopped", f"{ending.limit_reached}, with a checkpoint; submit it again to go on")
    if ending.restarts >= ending.most_restarts:
        return Verdict("stopped", f"stopped early again after {ending.restarts} restarts; submit it again to go on")
    return Verdict(None, f"stopped early with a checkpoint: restart {ending.restarts + 1} of {ending.most_restarts}")
