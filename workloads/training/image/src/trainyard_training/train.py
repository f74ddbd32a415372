"""One training run from beginning to end, on every worker of the group.

Read ``train`` first. It resumes from the newest checkpoint, makes steps until the last one, until the model is good
enough or until somebody asks it to stop, and publishes a model that is good enough. Killed at any moment, it loses the
steps since the last checkpoint and nothing else.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.checkpoints import Checkpoints, EncryptedFiles, RunState
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import open_dataset
from trainyard_training.evaluation import measure_accuracy
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import DivergedError
from trainyard_training.interruption import StopRequest
from trainyard_training.learner import Learner
from trainyard_training.models import DataShape, build_model, count_parameters
from trainyard_training.privacy import prepare_privacy
from trainyard_training.release import release
from trainyard_training.reporting.attempt_notes import AttemptNotes
from trainyard_training.reporting.log_files import LogFiles
from trainyard_training.reporting.meter import Meter
from trainyard_training.reporting.progress import Progress, warn
from trainyard_training.run import Run
from trainyard_training.specification import TrainingSpecification
from trainyard_training.workers import Workers, join_workers


def train(job: TrainingSpecification, stop: StopRequest) -> ExitStatus:
    """Train, evaluate, export and publish.

    Raises:
        SpecificationError, DataError, DivergedError, ModelRefusedError, WorkerLostError, ArtifactError: ``failures``
            says what each becomes.
    """
    with_servers = job.strategy.kind == "parameter_servers"
    with join_workers(job.computation.threads, servers=job.strategy.servers if with_servers else 0) as workers:
        if with_servers:
            from trainyard_training.train_with_servers import train_with_servers

            return train_with_servers(job, stop, workers)
        with closing(prepare(job, workers, saved_by=workers, began=stop.began)) as run:
            meter = resume(run)
            status = make_steps(run, meter, stop)
            if status is not ExitStatus.DONE:
                return status
            release(run)
    return ExitStatus.DONE


def prepare(
    job: TrainingSpecification, workers: Workers, *, saved_by: Workers | None, began: float | None = None
) -> Run:
    """Read the data's index, build the model and open the checkpoints; nothing is written.

    :param saved_by: Those who save checkpoints together; None where this process is none of them.
    :param began: When this process began, in seconds since the epoch; None: now.
    """
    dataset = open_dataset(job, workers.rank, workers.count)
    batches = Batches(dataset, job, pin_memory=workers.device.type == "cuda")
    total_steps = job.epochs * batches.steps_per_epoch
    index = dataset.index
    model = build_model(job.model, DataShape(index.input_shape, index.largest_value, len(index.labels)), job.seed)
    envelope = Envelope(job.encryption_key_uri)
    files = EncryptedFiles(ObjectStore(job.checkpoints_uri), envelope, job=job.job, run=job.run)
    progress = Progress(workers.is_first, total_steps, job.epochs)
    progress.say(
        f"run {job.job}/{job.run}: {dataset.train_examples} training and {dataset.test_examples} test examples in"
        f" {len(index.train)} shards, {workers.count} workers on {workers.device.type},"
        f" {count_parameters(model)} parameters, {total_steps} steps"
    )
    privately = prepare_privacy(job, workers, model, dataset.train_examples, total_steps)
    if privately is not None:
        batches.take_by(privately.sampling(dataset.train_sizes, dataset.streams))
        progress.say(str(privately.budget))
    attempt = None
    if workers.is_first and job.reporting.logs_uri is not None:
        attempt = AttemptNotes(
            job.reporting.logs_uri, workers.count, warn, began=time.time() if began is None else began
        )

    def stored(step: int) -> None:
        progress.say(f"checkpoint of step {step}")
        if attempt is not None:
            attempt.saved(step)

    return Run(
        job=job,
        workers=workers,
        dataset=dataset,
        batches=batches,
        total_steps=total_steps,
        learner=Learner(model, workers, job, total_steps=total_steps, privately=privately),
        checkpoints=None
        if saved_by is None
        else Checkpoints(
            files,
            saved_by,
            keep=job.keep_checkpoints,
            stored=stored,
            warn=warn,
        ),
        envelope=envelope,
        progress=progress,
        log_files=LogFiles(job.reporting, warn) if workers.is_first else None,
        attempt=attempt,
        privately=privately,
    )


def resume(run: Run) -> Meter:
    """Bring every worker to the newest good checkpoint, or leave all of them at the beginning.

    Raises:
        SpecificationError: that checkpoint is of another training.
    """
    learner = run.learner
    found: list[RunState] = []

    def accept(state: RunState) -> dict[str, object]:
        require_same_training(run, state)
        found[:] = [state]
        return learner.places()

    assert run.checkpoints is not None
    state = run.checkpoints.restore(
        accept, lambda tensors: learner.restore(tensors, found[0].step, found[0].loss_scale)
    )
    if state is not None:
        run.log[:] = state.log
        if run.privately is not None and state.privacy_secret is not None:
            run.privately.random.secret = state.privacy_secret
        run.progress.say(f"resumed from the checkpoint of step {state.step}")
    return new_meter(run, learner.step_number, 0.0 if state is None else state.seconds)


def new_meter(run: Run, first_step: int, before_seconds: float) -> Meter:
    """What measures this attempt, which begins after so many steps and seconds of the earlier ones."""
    if run.attempt is not None:
        run.attempt.begin(first_step)
    return Meter(
        run.workers,
        batch_size=run.job.global_batch_size,
        steps_per_epoch=run.batches.steps_per_epoch,
        first_step=first_step,
        before_seconds=before_seconds,
    )


def require_same_training(run: Run, state: RunState) -> None:
    """Check that a checkpoint is of what the specification asks for.

    Raises:
        SpecificationError: it is not; every field that differs is told.
    """
    was = state.made_of
    differences = [
        f"{name} is {value!r}, was {was.get(name)!r}" for name, value in run.made_of.items() if was.get(name) != value
    ]
    if differences:
        raise SpecificationError(
            f"the checkpoints at {run.job.checkpoints_uri} are of another training: {'; '.join(differences)}."
            " Name another run with a checkpoints_uri of its own, or specify what was specified before"
        )


def make_steps(run: Run, meter: Meter, stop: StopRequest) -> ExitStatus:
    """Make steps up to the last one, or until the model is good enough: DONE; or stop earlier, with a checkpoint.

    Raises:
        DivergedError: the loss is no longer finite; the last checkpoint is from before.
    """
    job, learner, workers = run.job, run.learner, run.workers
    saved_step = learner.step_number
    with closing(run.batches.iterate(learner.step_number)) as batches:
        while learner.step_number < run.total_steps and not is_good_enough(run):
            wants_to_stop, too_dear = stop.reason is not None, is_too_dear(run, meter)
            # Asked for together, so that every worker makes the same number of steps; answered while they are made.
            stopping = workers.sum_later([float(wants_to_stop), float(too_dear)])
            batch = next(batches)
            meter.add(learner.step(batch.inputs, batch.labels))
            others_stop, all_too_dear = stopping()
            step = learner.step_number
            if run.attempt is not None:
                run.attempt.step(step)
            is_last = step == run.total_steps
            asks = is_asked_for(run, step)
            saves = bool(others_stop or all_too_dear or is_last) or step % job.checkpoint_every_steps == 0
            if not (saves or asks or step % job.reporting.every_steps == 0):
                continue
            try:
                meter.settle()
            except DivergedError as error:
                raise end_diverged(run, error, saved_step) from None
            if asks or is_last or step % job.reporting.every_steps == 0:
                tell(run, meter, with_accuracy=asks)
            if saves or is_good_enough(run):
                meter.stalled(lambda: save(run, meter, learner.tensors))
                saved_step = step
            if others_stop or all_too_dear:
                # Asked again: the reason may have come to this worker after it had told the others that it has none.
                return end_early(run, stop, stop.reason, dear=bool(all_too_dear))
    run.wait_for_checkpoints()
    return ExitStatus.DONE


def tell(run: Run, meter: Meter, *, with_accuracy: bool) -> None:
    """Add an entry to the step log, and say it."""
    entry = meter.entry(run.learner.learning_rate, run.batches.waited_seconds)
    if with_accuracy:
        entry["epoch_loss"] = meter.epoch_loss
        if run.job.stop_when is not None and run.job.stop_when.metric == "test_accuracy":
            entry["test_accuracy"] = measure_accuracy(run)
    run.log.append(entry)
    run.progress.tell(entry)


def is_asked_for(run: Run, step: int) -> bool:
    """Whether it is asked after so many steps if the model is good enough."""
    return run.job.stop_when is not None and step % run.batches.steps_per_epoch == 0


def is_good_enough(run: Run) -> bool:
    """Whether the last epoch has reached what the specification wants; it is the same on every worker."""
    criterion = run.job.stop_when
    last = run.log[-1] if run.log else {}
    if criterion is None or "epoch_loss" not in last:
        return False
    if criterion.metric == "test_accuracy":
        return bool(last["test_accuracy"] >= criterion.reaches)
    return bool(last["epoch_loss"] <= criterion.reaches)


def is_too_dear(run: Run, meter: Meter) -> bool:
    """Whether the run has cost as much as it may; the first worker's clock counts."""
    job = run.job
    if not run.workers.is_first or job.maximum_cost_usd is None or job.resources.usd_per_hour is None:
        return False
    return meter.elapsed_seconds / 3600 * job.resources.usd_per_hour >= job.maximum_cost_usd


def save(run: Run, meter: Meter, tensors: Callable[[], dict[str, Any]]) -> None:
    """Begin to store a checkpoint of the learner's step, where this worker saves any, and write the log.

    :param tensors: Gives what is saved beside the run's state.
    """
    if run.checkpoints is None:
        return
    state = RunState(
        step=run.learner.step_number,
        made_of=run.made_of,
        log=tuple(run.log),
        seconds=meter.elapsed_seconds,
        loss_scale=run.learner.loss_scale,
        privacy_secret=None if run.privately is None else run.privately.random.secret,
    )
    if run.attempt is not None:
        run.attempt.saving(state.step)
    run.checkpoints.save(tensors(), state)
    run.write_log()


def end_diverged(run: Run, error: DivergedError, saved_step: int) -> DivergedError:
    """Let the checkpoint before be stored, and give the error that says which one that is."""
    # All workers find it at the same step, so they can still store it together.
    run.wait_for_checkpoints()
    return DivergedError(
        f"{error} (learning_rate {run.job.learning_rate:g}); nothing was saved after step {saved_step}"
    )


def end_early(run: Run, stop: StopRequest, reason: str | None, *, dear: bool) -> ExitStatus:
    """Wait for the checkpoint and say why the run ends here."""
    run.wait_for_checkpoints()
    if run.attempt is not None:
        run.attempt.end("reached maximum_cost_usd" if dear else reason or "another worker was asked to stop")
    # The launcher ends all workers as soon as one has ended, so none may before the checkpoint is stored.
    out_of_time = run.workers.any(stop.is_out_of_time)
    where = f"stopped at step {run.learner.step_number} of {run.total_steps}"
    if dear:
        run.progress.say(
            f"{where}: reached maximum_cost_usd ({run.job.maximum_cost_usd:g}); raise it and run again to go on"
        )
        return ExitStatus.TOO_DEAR
    run.progress.say(f"{where}: {reason or 'another worker was asked to stop'}; run again")
    return ExitStatus.OUT_OF_TIME if out_of_time else ExitStatus.STOPPED_EARLY
