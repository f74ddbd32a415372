"""One training run with asynchronous parameter servers, on every process of the group.

The parts are those of ``train``; what differs is that workers make their steps without waiting for each other, and come
together only at the steps at which something is measured or saved.
"""

from contextlib import closing
from typing import Any

from trainyard_artifacts.specification import SpecificationError
from trainyard_training.checkpoints import RunState
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import open_dataset
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import DivergedError
from trainyard_training.interruption import StopRequest
from trainyard_training.release import release
from trainyard_training.run import Run
from trainyard_training.specification import TrainingSpecification
from trainyard_training.strategies.parameter_servers.link import Link, join
from trainyard_training.strategies.parameter_servers.server import serve
from trainyard_training.strategies.parameter_servers.training import train_asynchronously
from trainyard_training.strategies.parameter_servers.worker import ParameterServers
from trainyard_training.train import (
    end_diverged,
    end_early,
    is_asked_for,
    is_good_enough,
    is_too_dear,
    new_meter,
    prepare,
    require_same_training,
    save,
    tell,
)
from trainyard_training.workers import COLLECTIVE_TIMEOUT, Workers


def train_with_servers(job: TrainingSpecification, stop: StopRequest, everyone: Workers) -> ExitStatus:
    """Train, evaluate, export and publish; on a server, hold parameters until the workers are through.

    Raises:
        As ``train.train``.
    """
    servers = job.strategy.servers
    if everyone.count <= servers:
        raise SpecificationError(
            f"strategy.servers: {servers} of {everyone.count} processes leave no worker; start servers + workers"
        )
    with join(servers, COLLECTIVE_TIMEOUT) as link:
        if link.roles.is_server:
            dataset = open_dataset(job, 0, link.roles.workers)
            total_steps = job.epochs * Batches(dataset, job).steps_per_epoch
            serve(link, job.optimization, learning_rate=job.learning_rate, total_steps=total_steps)
            return ExitStatus.DONE
        workers = Workers(everyone.rank, link.roles.workers, everyone.device, link.workers_group)
        # Servers hold what is saved, and the first worker alone brings it.
        alone = Workers(0, 1, everyone.device) if workers.is_first else None
        with closing(prepare(job, workers, saved_by=alone, began=stop.began)) as run:
            status = _make_steps(run, link, stop)
            if status is ExitStatus.DONE:
                release(run)
            return status


def _make_steps(run: Run, link: Link, stop: StopRequest) -> ExitStatus:
    """As ``train.make_steps``."""
    job, learner, workers = run.job, run.learner, run.workers
    try:
        servers = ParameterServers(link, learner.model, job.optimization, staleness=job.strategy.staleness)
    except ValueError as error:
        raise SpecificationError(f"strategy.servers: {job.strategy.servers} are too many: {error}") from None
    state, tensors = _restored(run)
    servers.start(0 if state is None else state.step, tensors)
    run.log[:], before_seconds = workers.from_first(([], 0.0) if state is None else (list(state.log), state.seconds))
    first_step = saved_step = servers.step
    if state is not None:
        run.progress.say(f"resumed from the checkpoint of step {state.step}")
    meter = new_meter(run, first_step, before_seconds)
    too_dear = False

    with closing(run.batches.iterate(first_step)) as batches:

        def compute_gradients(_step: int) -> float:
            batch = next(batches)
            result = learner.compute_gradients(batch.inputs, batch.labels)
            meter.add(result)
            return float(result.loss)

        def report(loss: float, step: int) -> None:
            meter.require_finite(loss, step)
            if run.attempt is not None:
                run.attempt.step(step)

        def meets(step: int) -> bool:
            return is_asked_for(run, step) or step % job.checkpoint_every_steps == 0

        def meet(step: int) -> str | None:
            nonlocal saved_step, too_dear
            learner.step_number = step
            meter.settle()
            tell(run, meter, with_accuracy=is_asked_for(run, step))
            too_dear = workers.any(is_too_dear(run, meter))
            good = is_good_enough(run)
            if good or too_dear or step == run.total_steps or step % job.checkpoint_every_steps == 0:
                meter.stalled(lambda: save(run, meter, servers.state))
                saved_step = step
            if good:
                return "the model is good enough"
            return "reached maximum_cost_usd" if too_dear else None

        def save_the_last() -> None:
            learner.step_number = servers.step
            if servers.step != saved_step:
                save(run, meter, servers.state)

        try:
            reason = train_asynchronously(
                servers,
                run.total_steps,
                compute_gradients=compute_gradients,
                report=report,
                should_stop=lambda: stop.reason,
                meets=meets,
                meet=meet,
                before_finish=save_the_last,
            )
        except DivergedError as error:
            raise end_diverged(run, error, saved_step) from None
    if reason is None or is_good_enough(run):
        run.wait_for_checkpoints()
        return ExitStatus.DONE
    return end_early(run, stop, reason, dear=too_dear)


def _restored(run: Run) -> tuple[RunState | None, dict[str, Any] | None]:
    """The newest good checkpoint, on the first worker."""
    found: list[dict[str, Any]] = []

    def accept(state: RunState) -> dict[str, Any]:
        require_same_training(run, state)
        return run.learner.places()

    if run.checkpoints is None:
        return None, None
    state = run.checkpoints.restore(accept, found.append)
    return state, found[0] if found else None
