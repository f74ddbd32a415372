"""One private step: each example's gradient is clipped, the sum over all workers gets the noise, and is applied."""

import warnings

import numpy as np
import torch
from opacus.grad_sample import GradSampleHooks
from opacus.optimizers import DistributedDPOptimizer
from torch import Tensor, nn

from trainyard_training.privacy.accounting import Budget
from trainyard_training.privacy.secret import SecretRandom
from trainyard_training.workers import Workers


class PrivateSteps:
    """Beside a model and its optimiser, both of which stay what they are: names in checkpoints do not change.

    Sums of gradients are exchanged here and not by DDP, which would add them up before they are clipped.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        workers: Workers,
        *,
        budget: Budget,
        random: SecretRandom,
        batch_size: int,
    ) -> None:
        """
        :param batch_size: Examples that a step takes on average, over all workers: what gradients are divided by, since
            the number really taken is not to be told.
        """
        self._hooks = GradSampleHooks(model, loss_reduction="sum")
        self._hooks.forbid_grad_accumulation()
        self._random = random
        self._optimizer = _NoisyOptimizer(
            optimizer,
            noise_multiplier=budget.noise_multiplier,
            max_grad_norm=budget.clip_norm,
            # Gradients are divided by it and, once they are added up, by the number of workers.
            expected_batch_size=batch_size / workers.count,
        )

    def step(self, losses: Tensor | None, number: int) -> None:
        """Make step ``number`` (0, 1, ...).

        :param losses: Each example's loss, (count,), from a call of the model; None where this worker has no example.
        """
        self._optimizer.zero_grad(set_to_none=True)
        if losses is None:
            for parameter in self._optimizer.params:
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))
        else:
            with warnings.catch_warnings():
                # Opacus needs the gradients of what its hooks see as outputs, and never those of inputs.
                warnings.filterwarnings("ignore", message="Full backward hook is firing")
                losses.sum().backward()
        self._optimizer.noise = self._random.generator("noise", number)
        self._optimizer.step()


class _NoisyOptimizer(DistributedDPOptimizer):
    """Opacus's, with noise from a generator that is set before each step.

    As there, the first worker alone adds the noise, once for all: it does not depend on the number of workers.
    """

    noise: np.random.Generator

    def add_noise(self) -> None:
        """Into each parameter's ``grad``: the clipped sum, on the first worker with noise."""
        scale = self.noise_multiplier * self.max_grad_norm
        for parameter in self.params:
            parameter.grad = parameter.summed_grad.view_as(parameter)
            if self.rank == 0:
                parameter.grad += gaussian(self.noise, scale, parameter)


def gaussian(random: np.random.Generator, scale: float, like: Tensor) -> Tensor:
    """Normal numbers of the standard deviation ``scale``, in the shape and format of ``like`` and on its device.

    Each is drawn four times in float64, added up and halved, as Opacus's secure mode does against those who read
    the last bits of floating-point numbers (Holohan and Braghin, arXiv:2107.10138, 5.1).
    """
    drawn = random.standard_normal((4, *like.shape)).sum(axis=0) * (scale / 2)
    return torch.as_tensor(drawn).to(device=like.device, dtype=like.dtype)
