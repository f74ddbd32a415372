"""One training run from beginning to end, on every worker of the group.

Read ``train`` first. It resumes from the newest checkpoint, makes steps until the last one or until somebody asks it to
stop, and publishes a model that is good enough. Killed at any moment, it loses the steps since the last checkpoint and
nothing else.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.manifest import DataVersion, ModelSignature, TensorSignature
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.batches import Batches, Dataset, load_dataset
from trainyard_training.checkpoint import Checkpoints
from trainyard_training.exit_status import ExitStatus
from trainyard_training.export import export_onnx, require_equal, run_onnx
from trainyard_training.failures import DivergedError, ModelRefusedError
from trainyard_training.interruption import StopRequest
from trainyard_training.learner import Learner, StateError, build_model, count_parameters, decode_state
from trainyard_training.model import INPUT_NAME, OUTPUT_NAME
from trainyard_training.progress import Progress, warn
from trainyard_training.publish import MODEL_NAME, REPORT_NAME, TEST_IMAGES_NAME, encode_report, publish
from trainyard_training.shards import encode_examples
from trainyard_training.specification import WHAT_IS_TRAINED, TrainingSpecification
from trainyard_training.workers import Workers, join_workers


def train(job: TrainingSpecification, stop: StopRequest) -> ExitStatus:
    """Train, evaluate, export and publish.

    Raises:
        SpecificationError, DataError, DivergedError, ModelRefusedError, WorkerLostError, ArtifactError: ``failures``
            says what each becomes.
    """
    with join_workers() as workers:
        run = prepare(job, workers)
        resume(run)
        reason = make_steps(run, stop)
        if reason is not None:
            run.progress.say(f"stopped at step {run.learner.step_number} of {run.total_steps}: {reason}; run again")
            return ExitStatus.STOPPED_EARLY
        accuracy = evaluate(run)
        if run.envelope is not None:
            publish_model(run, run.envelope, accuracy)
    return ExitStatus.DONE


@dataclass(frozen=True)
class Run:
    """What one worker needs for one run."""

    job: TrainingSpecification
    workers: Workers
    dataset: Dataset
    batches: Batches
    total_steps: int
    learner: Learner
    checkpoints: Checkpoints | None
    """None on all workers but the first."""
    envelope: Envelope | None
    """None on all workers but the first."""
    progress: Progress

    @property
    def made_of(self) -> dict[str, Any]:
        """What decides the trained weights, by its name in the specification, and which data set it is."""
        fields = self.job.model_dump(include=WHAT_IS_TRAINED)
        return {**fields, "sha256 of the index at datasets_uri": self.dataset.index_sha256}


def prepare(job: TrainingSpecification, workers: Workers) -> Run:
    """Read the data, build the model and open the checkpoints; nothing is written."""
    dataset = load_dataset(job, workers.rank, workers.count)
    batches = Batches(dataset, job.global_batch_size, job.seed)
    total_steps = job.epochs * batches.steps_per_epoch
    index = dataset.index
    model = build_model(index.image_shape, len(index.labels), index.largest_pixel, job.seed)
    learner = Learner(model, workers, learning_rate=job.learning_rate, total_steps=total_steps)
    envelope = checkpoints = None
    if workers.is_first:
        envelope = Envelope(job.encryption_key_uri)
        store = ObjectStore(job.checkpoints_uri)
        checkpoints = Checkpoints(store, envelope, job=job.job, run=job.run, keep=job.keep_checkpoints)
    progress = Progress(workers.is_first, total_steps, batches.steps_per_epoch, job.epochs, job.global_batch_size)
    progress.say(
        f"run {job.job}/{job.run}: {dataset.train_examples} training and {len(dataset.test)} test images in"
        f" {len(index.train)} shards, {workers.count} workers on {workers.device.type},"
        f" {count_parameters(model)} parameters, {total_steps} steps"
    )
    return Run(job, workers, dataset, batches, total_steps, learner, checkpoints, envelope, progress)


def resume(run: Run) -> None:
    """Bring every worker to the newest good checkpoint, or leave all of them at the beginning.

    Raises:
        SpecificationError: that checkpoint is of another training.
    """
    state: dict[str, Any] | None = None
    if run.checkpoints is not None:
        found = run.checkpoints.newest(decode_state, StateError, warn)
        if found is not None:
            state = found[1]
            require_same_training(run, state["made_of"])
    state = run.workers.from_first(state)
    if state is not None:
        run.learner.restore(state)
        run.progress.say(f"resumed from the checkpoint of step {run.learner.step_number}")


def require_same_training(run: Run, made_of: dict[str, Any]) -> None:
    """Check that a checkpoint is of what the specification asks for.

    Raises:
        SpecificationError: it is not; every field that differs is told.
    """
    differences = [
        f"{name} is {value!r}, was {made_of.get(name)!r}"
        for name, value in run.made_of.items()
        if made_of.get(name) != value
    ]
    if differences:
        raise SpecificationError(
            f"the checkpoints at {run.job.checkpoints_uri} are of another training: {'; '.join(differences)}."
            " Name another run with a checkpoints_uri of its own, or specify what was specified before"
        )


def make_steps(run: Run, stop: StopRequest) -> str | None:
    """Make steps up to the last one; returns None then, or why it stopped earlier, with a checkpoint, on every worker.

    Raises:
        DivergedError: the loss is no longer finite; the last checkpoint is from before.
    """
    learner, workers = run.learner, run.workers
    saved_step = learner.step_number
    run.progress.start(time.monotonic(), learner.step_number)
    while learner.step_number < run.total_steps:
        # Asked before the step and answered together, so that every worker makes the same number of steps.
        (stopping,) = workers.sum([float(stop.reason is not None)])
        if stopping:
            save(run, saved_step)
            # The launcher ends all workers as soon as one has ended, so none may before the checkpoint is stored.
            workers.sum([0.0])
            return stop.reason or "another worker was asked to stop"
        (loss_sum,) = workers.sum([learner.step(*run.batches.at(learner.step_number))])
        loss = loss_sum / workers.count
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss} at step {learner.step_number} (learning_rate {run.job.learning_rate:g});"
                f" nothing was saved after step {saved_step}"
            )
        run.progress.add(loss, learner.step_number, time.monotonic(), learner.history)
        if learner.step_number % run.job.checkpoint_every_steps == 0 or learner.step_number == run.total_steps:
            save(run, saved_step)
            saved_step = learner.step_number
    return None


def save(run: Run, saved_step: int) -> None:
    """Store a checkpoint unless that of this very step is stored already."""
    if run.checkpoints is not None and run.learner.step_number != saved_step:
        run.checkpoints.save(run.learner.step_number, run.learner.state(run.made_of))
        run.progress.say(f"checkpoint of step {run.learner.step_number}")


def evaluate(run: Run) -> float:
    """Accuracy on the test split, each worker taking its share of the images.

    Raises:
        ModelRefusedError: it is below the target.
    """
    test, workers = run.dataset.test, run.workers
    mine = slice(workers.rank, None, workers.count)
    correct = run.learner.predict(test.images[mine]).argmax(axis=1) == test.labels[mine]
    (total_correct,) = workers.sum([float(correct.sum())])
    accuracy = total_correct / len(test)
    if accuracy < run.job.target_accuracy:
        raise ModelRefusedError(
            f"test accuracy {accuracy:.4f} is below target_accuracy {run.job.target_accuracy:g}; nothing was published"
        )
    return accuracy


def publish_model(run: Run, envelope: Envelope, accuracy: float) -> None:
    """Export, compare, encrypt and publish. Only the first worker does."""
    test, index, job = run.dataset.test, run.dataset.index, run.job
    exported = export_onnx(run.learner.model, index.image_shape)
    logits = run.learner.predict(test.images)
    difference = require_equal(run_onnx(exported, test.images), logits)
    run.progress.say(f"exported to ONNX: {len(exported) / 1024:.0f} KiB, largest difference {difference:.1e}")
    report = {
        "test_accuracy": accuracy,
        "confusion_matrix": confusion_matrix(test.labels, logits.argmax(axis=1), len(index.labels)),
        "training_loss": [{"step": step, "loss": loss} for step, loss in run.learner.history],
        "steps": run.total_steps,
        "workers": run.workers.count,
        "specification": job.model_dump(mode="json"),
    }
    manifest = publish(
        job,
        envelope,
        {
            MODEL_NAME: exported,
            REPORT_NAME: encode_report(report),
            TEST_IMAGES_NAME: encode_examples(test),
        },
        data=DataVersion(
            index_sha256=run.dataset.index_sha256,
            train_examples=run.dataset.train_examples,
            test_examples=len(test),
            shards=len(index.train),
        ),
        metrics={
            "test_accuracy": accuracy,
            "final_training_loss": run.learner.history[-1][1],
            "onnx_max_abs_difference": difference,
        },
        model=ModelSignature(
            input=TensorSignature(name=INPUT_NAME, dtype="float32", shape=(None, 1, *index.image_shape)),
            output=TensorSignature(name=OUTPUT_NAME, dtype="float32", shape=(None, len(index.labels))),
            labels=index.labels,
        ),
    )
    run.progress.say(f"published {job.models_uri}: test accuracy {accuracy:.4f}, {len(manifest.artifacts)} artifacts")


def confusion_matrix(labels: NDArray[np.uint8], predicted: NDArray[np.intp], count: int) -> list[list[int]]:
    """Rows are true labels, columns predicted ones."""
    matrix = np.zeros((count, count), dtype=int)
    np.add.at(matrix, (labels, predicted), 1)
    rows: list[list[int]] = matrix.tolist()
    return rows
