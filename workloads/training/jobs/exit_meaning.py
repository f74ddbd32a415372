"""What the training package's exit codes mean for a job, in words. Pure."""

import re
import signal

from trainyard_training.exit_status import ExitStatus

MEANINGS: dict[int, str] = {
    ExitStatus.DONE: "the model is published",
    ExitStatus.FAILED: "an unforeseen error or a killed worker, see its output; submit it again to go on",
    ExitStatus.BAD_SPECIFICATION: "the job file cannot be used, or the checkpoints are of another training",
    ExitStatus.BAD_DATA: "the data set is missing, truncated or altered: run the loader again",
    ExitStatus.UNAVAILABLE: "the object store or the key service did not answer; submit it again to go on",
    ExitStatus.DIVERGED: "the loss became NaN or infinite; a lower learning rate may help",
    ExitStatus.MODEL_REFUSED: "the model is below the target accuracy or was exported wrongly; nothing was published",
    ExitStatus.TOO_DEAR: "maximum_cost_usd was reached, with a checkpoint; submit it again with a higher one to go on",
    ExitStatus.NO_SPACE: "a disk is full: give it a larger resources.volume_gib",
    ExitStatus.OUT_OF_TIME: "max_runtime_seconds was reached, with a checkpoint; submit it again to go on",
    ExitStatus.STOPPED_EARLY: "stopped early with a checkpoint; submit it again to go on",
    ExitStatus.ACCESS_REFUSED: "the job's identity may not read, write or use the key, or the key is the wrong one",
}
STOPPED_ITSELF = frozenset({ExitStatus.STOPPED_EARLY, ExitStatus.OUT_OF_TIME, ExitStatus.TOO_DEAR})
"""With a checkpoint, at a limit or after a signal: no failure, though platforms take any code but 0 for one."""
_EXIT_CODE = re.compile(r"(?:exit code:?|non-zero status of) *(\d+)", re.IGNORECASE)


def meaning_of(code: int) -> str:
    """A process's exit code in words: a negative one, or one above 128, is a signal."""
    if code in MEANINGS:
        return f"exit code {code}: {MEANINGS[code]}"
    number = -code if code < 0 else code - 128
    if number in {member.value for member in signal.Signals}:
        return f"killed by {signal.Signals(number).name}; submit it again to go on"
    return f"exit code {code}, which is none of the training package's"


def exit_code_in(text: str) -> int | None:
    """The exit code that a platform's message tells of; None where it tells none.

    SageMaker writes ``AlgorithmError: , exit code: 75``, Vertex AI ``The replica workerpool0-0 exited with a non-zero
    status of 75.``
    """
    found = _EXIT_CODE.search(text)
    return int(found[1]) if found else None
