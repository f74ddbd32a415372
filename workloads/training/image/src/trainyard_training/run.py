"""What one worker needs for one run."""

from dataclasses import dataclass, field
from typing import Any

from trainyard_artifacts.envelope import Envelope
from trainyard_training.checkpoints import Checkpoints
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import Dataset
from trainyard_training.learner import Learner
from trainyard_training.privacy import Privately
from trainyard_training.reporting.attempt_notes import AttemptNotes
from trainyard_training.reporting.log_files import LogFiles
from trainyard_training.reporting.progress import Progress
from trainyard_training.reporting.step_log import Entry
from trainyard_training.specification import WHAT_IS_TRAINED, TrainingSpecification
from trainyard_training.workers import Workers


@dataclass(frozen=True)
class Run:
    """Put together by ``train.prepare``; only the log grows."""

    job: TrainingSpecification
    workers: Workers
    dataset: Dataset
    batches: Batches
    total_steps: int
    learner: Learner
    checkpoints: Checkpoints | None
    """None on workers that have nothing to save."""
    envelope: Envelope
    progress: Progress
    log_files: LogFiles | None
    """None on all workers but the first."""
    attempt: AttemptNotes | None = None
    """None on all workers but the first, and where the job file wants no log."""
    privately: Privately | None = None
    """None where the training is not a private one."""
    log: list[Entry] = field(default_factory=list)
    """The step log so far, the same on every worker but for what is measured on each."""

    @property
    def made_of(self) -> dict[str, Any]:
        """What decides the trained weights, by its name in the specification, and which data set it is."""
        fields = self.job.model_dump(mode="json", include=WHAT_IS_TRAINED)
        return {**fields, "sha256 of the index at datasets_uri": self.dataset.index_sha256}

    def wait_for_checkpoints(self) -> None:
        """Return when every checkpoint that was begun is stored. Raises EnvelopeError, StorageError."""
        if self.checkpoints is not None:
            self.checkpoints.wait()

    def write_log(self) -> None:
        """Write the step log where the specification asks for it."""
        if self.log_files is not None:
            self.log_files.write(self.log)

    def close(self) -> None:
        """End the threads that save and write."""
        if self.checkpoints is not None:
            self.checkpoints.close()
        if self.log_files is not None:
            self.log_files.close()
        if self.attempt is not None:
            self.attempt.close()
