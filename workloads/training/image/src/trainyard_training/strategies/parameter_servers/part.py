"""One server's part of the parameters, with the optimiser that updates it.

The learning rate. ``learning_rate`` means what it means in the other strategies: the rate of one step over the whole
global batch. Here such a step is one update for each of the N workers, whose gradient is of an N-th part of that batch,
so each update has an N-th of the rate (the linear scaling rule: Goyal et al., arXiv:1706.02677): together they go as
far, and neither the number of workers nor the strategy needs another rate. Momentum and the decay of moments count
updates. The schedule runs over all updates, ``total_steps`` times N.
"""

import torch
from torch import Tensor, nn

from trainyard_training.choices import Optimization
from trainyard_training.learner import make_optimizer, make_schedule, set_schedule


def moments_of(optimization: Optimization) -> tuple[str, ...]:
    """PyTorch's names of the vectors that the optimiser keeps beside the parameters."""
    return ("exp_avg", "exp_avg_sq") if optimization.optimizer == "adamw" else ("momentum_buffer",)


class Part:
    """Parameters in an optimiser, which sees them as one flat parameter."""

    def __init__(
        self,
        vectors: Tensor,
        updates: int,
        *,
        step: int,
        workers: int,
        optimization: Optimization,
        learning_rate: float,
        total_steps: int,
    ) -> None:
        """
        :param vectors: float32 (1 + moments, length): parameters, then each of ``moments_of``. Zero moments are those
            of the beginning.
        :param updates: Gradients applied so far.
        :param step: Steps that every worker has made so far, at whatever number of workers there was.
        """
        holder = nn.Module()
        holder.part = self._parameter = nn.Parameter(vectors[0].clone())
        self._optimizer = make_optimizer(holder, optimization, learning_rate / workers)
        self._schedule = make_schedule(self._optimizer, optimization, learning_rate / workers, total_steps * workers)
        set_schedule(self._schedule, self._optimizer, step * workers)
        self._moments = moments_of(optimization)
        state = self._optimizer.state[self._parameter]
        state.update({name: vector.clone() for name, vector in zip(self._moments, vectors[1:], strict=True)})
        if optimization.optimizer == "adamw":
            state["step"] = torch.tensor(float(updates))
        self.updates = updates

    @property
    def length(self) -> int:
        """How many parameters there are."""
        return self._parameter.numel()

    def apply(self, gradient: Tensor) -> None:
        """Make one update."""
        self._parameter.grad = gradient
        self._optimizer.step()
        self._schedule.step()
        self.updates += 1

    def parameters(self) -> Tensor:
        """A copy, float32 (length,)."""
        return self._parameter.detach().clone()

    def vectors(self) -> Tensor:
        """A copy of parameters and moments, as the constructor takes them."""
        state = self._optimizer.state[self._parameter]
        return torch.stack([self._parameter.detach(), *(state[name] for name in self._moments)])
