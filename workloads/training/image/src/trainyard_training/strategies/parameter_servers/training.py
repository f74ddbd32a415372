"""The training loop of one worker with parameter servers."""

from collections.abc import Callable

from trainyard_training.strategies.parameter_servers.worker import ParameterServers


def train_asynchronously(
    servers: ParameterServers,
    total_steps: int,
    *,
    compute_gradients: Callable[[int], float],
    report: Callable[[float, int], None],
    should_stop: Callable[[], str | None],
    meets: Callable[[int], bool],
    meet: Callable[[int], str | None],
    before_finish: Callable[[], None],
) -> str | None:
    """Make this worker's steps; all workers return together, with the same parameters in their models.

    ``servers`` has been started. Every worker makes ``total_steps`` steps, each on its own part of that step's global
    batch, but in its own time: the fastest is up to ``staleness`` steps ahead of the slowest. At the steps that
    ``meets`` names, after the last step and where they stop, all wait for each other and stand at the same step: what
    is measured or saved there is exactly what those steps have made of the model.

    :param compute_gradients: Computes the loss of this worker's part of the given step's batch (from 0), on the model
        and its gradients, clipped where they have to be; returns the loss.
    :param report: Takes that loss and the number of steps made (from 1); raises where the loss is not finite, before
        the gradients are sent.
    :param should_stop: Why to stop, if there is a reason; asked before each step. All workers then stop.
    :param meets: Whether the workers come together after so many steps; the same on every worker.
    :param meet: Called on every worker, when all of them have made so many steps and not one more; the first worker can
        ask for ``servers.state()`` here, and whatever the workers do together is in order here. Returns why to stop,
        the same on every worker, or None.
    :param before_finish: Called on every worker at the last meeting, which may not be one that ``meets`` names.

    Returns:
        None: all steps are made; otherwise why not.

    Raises:
        WorkerLostError: another process of the group is gone.
    """
    first_step = servers.step
    while True:
        step = servers.step
        is_last = step >= total_steps
        reason = should_stop()
        stops = servers.pull(meets=is_last or (step > first_step and meets(step)), stop=reason is not None)
        if stops and reason is None:
            reason = "another worker was asked to stop"
        if servers.met and step > first_step:
            verdict = meet(step)
            stops, reason = stops or verdict is not None, reason if stops else verdict
        if is_last or stops:
            break
        loss = compute_gradients(step)
        report(loss, step + 1)
        servers.push()
    before_finish()
    servers.finish()
    return None if is_last else reason
