"""What learns: model, optimiser and schedule, as one thing that makes a step, and is saved and restored whole."""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.distributed.tensor import DTensor
from torch.nn.functional import cross_entropy

from trainyard_training.choices import Optimization
from trainyard_training.privacy import Privately
from trainyard_training.specification import TrainingSpecification
from trainyard_training.strategies.parallel import ParallelModel
from trainyard_training.workers import Workers

EVALUATION_BATCH = 512
_PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class StepResult:
    """What one step tells, on this worker, without waiting for the device."""

    loss: Tensor
    """Mean loss of this worker's part of the batch, before the step; of a private step an estimate of it."""
    gradient_norm: Tensor | None
    """Of the whole gradient before it was clipped; None without clipping."""


class Learner:
    """A model in training; every worker holds one, and all of them are equal, or parts of one, after every step."""

    def __init__(
        self,
        model: nn.Module,
        workers: Workers,
        job: TrainingSpecification,
        *,
        total_steps: int,
        privately: Privately | None = None,
    ) -> None:
        self._device = workers.device
        self._optimization = job.optimization
        self._computation = job.computation
        self._memory_format = torch.channels_last if job.computation.channels_last else torch.contiguous_format
        model = model.to(self._device)
        if self._computation.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if self._computation.compile:
            model.compile()
        # Private steps exchange gradients by themselves.
        exchanging = workers if privately is None else dataclasses.replace(workers, rank=0, count=1)
        self._parallel = ParallelModel(model, job.strategy, exchanging)
        self.model = self._parallel.model
        self._optimizer = make_optimizer(model, job.optimization, job.learning_rate)
        self._schedule = make_schedule(self._optimizer, job.optimization, job.learning_rate, total_steps)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=job.computation.precision == "float16")
        self._private_steps = (
            None if privately is None else privately.steps(model, self._optimizer, workers, job.global_batch_size)
        )
        # Losses of private steps are divided by the examples that a step takes on average, as their gradients are.
        self._mean_examples = job.global_batch_size / workers.count
        self.step_number = 0
        """Steps made so far: also the position in the data."""

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def step(self, inputs: Tensor, labels: Tensor) -> StepResult:
        """Make one step on this worker's part of the global batch: raw inputs (count, *shape), labels (count,)."""
        if self._private_steps is None:
            result = self.compute_gradients(inputs, labels)
            self._scaler.step(self._optimizer)
            self._scaler.update()
        else:
            losses = self._example_losses(inputs, labels) if len(labels) else None
            self._private_steps.step(losses, self.step_number)
            total = torch.zeros((), device=self._device) if losses is None else losses.detach().sum()
            result = StepResult(total / self._mean_examples, None)
        self._schedule.step()
        self.step_number += 1
        return result

    def compute_gradients(self, inputs: Tensor, labels: Tensor) -> StepResult:
        """The first half of ``step``: the gradients are in the model, clipped, and no weight has changed."""
        self._optimizer.zero_grad()
        loss = self._add_gradients(inputs, labels)
        return StepResult(loss, self._clip())

    @torch.no_grad()
    def predict(self, inputs: NDArray[Any], most: int | None = None) -> NDArray[np.float32]:
        """Logits of raw inputs (count, *shape).

        :param most: Of a sharded model, which all workers compute together: the largest count that any of them has.
        """
        self._parallel.compute.eval()
        try:
            parts: list[Tensor] = []
            for start in range(0, len(inputs) if most is None else most, EVALUATION_BATCH):
                part = torch.from_numpy(inputs[start : start + EVALUATION_BATCH])
                # With nothing left of its own a worker computes something, since the others need its shards.
                computed = part if len(part) else torch.from_numpy(inputs[:1])
                with self._precision():
                    logits = self._parallel.compute(self._prepared(computed))
                parts.append(logits.float().cpu()[: len(part)])
            found: NDArray[np.float32] = torch.cat(parts).numpy()
            return found
        finally:
            self._parallel.compute.train()

    def whole_weights(self) -> dict[str, Tensor]:
        """The model's weights, on the CPU of the first worker; all workers of a sharded model have to ask together."""
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        return (
            dict(get_model_state_dict(self.model, options=options))
            if self._parallel.is_sharded
            else {name: tensor.detach().cpu() for name, tensor in self.model.state_dict().items()}
        )

    def tensors(self) -> dict[str, Any]:
        """What is saved: this worker's part of the weights and of the optimiser's state, as they are, not copies."""
        weights, optimizer = get_state_dict(self.model, self._optimizer)
        return {"model": dict(weights), "optimizer": optimizer["state"]}

    def places(self) -> dict[str, Any]:
        """Copies of ``tensors``, to read a checkpoint into."""
        copied: dict[str, Any] = _copied(self.tensors())
        return copied

    def restore(self, tensors: dict[str, Any], step: int, loss_scale: dict[str, Any]) -> None:
        """Go on from what ``tensors`` gave after ``step`` steps."""
        _, optimizer = get_state_dict(self.model, self._optimizer)
        set_state_dict(
            self.model,
            self._optimizer,
            model_state_dict=tensors["model"],
            optim_state_dict={**optimizer, "state": tensors["optimizer"]},
        )
        self.step_number = step
        set_schedule(self._schedule, self._optimizer, step)
        if loss_scale:
            self._scaler.load_state_dict(loss_scale)

    @property
    def loss_scale(self) -> dict[str, Any]:
        """The state of float16's loss scaling; empty with another precision."""
        return self._scaler.state_dict()

    def _add_gradients(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Forward and backward, in as many parts as are asked for; returns the mean loss."""
        total = torch.zeros((), device=self._device)
        parts = min(self._optimization.accumulate_steps, len(inputs))
        for number, (part, part_labels) in enumerate(
            zip(inputs.tensor_split(parts), labels.tensor_split(parts), strict=True), start=1
        ):
            with self._parallel.accumulating() if number < parts else contextlib.nullcontext():
                with self._precision():
                    logits = self._parallel.compute(self._prepared(part))
                    loss: Tensor = cross_entropy(
                        logits.float(),
                        part_labels.to(self._device, non_blocking=True),
                        label_smoothing=self._optimization.label_smoothing,
                    )
                loss = loss * (len(part) / len(inputs))
                self._scaler.scale(loss).backward()
            total += loss.detach()
        return total

    def _example_losses(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of each example, (count,)."""
        losses: Tensor = cross_entropy(
            self._parallel.compute(self._prepared(inputs)),
            labels.to(self._device, non_blocking=True),
            reduction="none",
            label_smoothing=self._optimization.label_smoothing,
        )
        return losses

    def _clip(self) -> Tensor | None:
        largest = self._optimization.clip_norm
        if largest is None:
            return None
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), largest)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    def _prepared(self, inputs: Tensor) -> Tensor:
        """Raw inputs as the model takes them: float32, on its device."""
        on_device = inputs.to(self._device, non_blocking=True).float()
        return on_device.contiguous(memory_format=self._memory_format) if on_device.dim() == 4 else on_device

    @contextlib.contextmanager
    def _precision(self) -> Iterator[None]:
        dtype = _PRECISIONS.get(self._computation.precision)
        if dtype is None:
            yield
        else:
            with torch.autocast(self._device.type, dtype=dtype):
                yield


def make_optimizer(model: nn.Module, optimization: Optimization, learning_rate: float) -> torch.optim.Optimizer:
    """The optimiser that was asked for, in its fused form: one kernel over all parameters."""
    parameters = model.parameters()
    if optimization.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=learning_rate,
            momentum=optimization.momentum,
            weight_decay=optimization.weight_decay,
            fused=True,
        )
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=optimization.weight_decay, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, optimization: Optimization, learning_rate: float, total_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule that was asked for; its state is the number of steps and nothing else."""
    if optimization.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=total_steps, pct_start=optimization.warm_up_share
    )


def set_schedule(schedule: torch.optim.lr_scheduler.LRScheduler, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Bring the schedule, and the rates of the optimiser that it sets, to where they are after ``step`` steps."""
    schedule.last_epoch = step
    if isinstance(schedule, torch.optim.lr_scheduler.OneCycleLR):
        with warnings.catch_warnings():
            # It would rather be asked in a step; its answer depends on the number of steps alone.
            warnings.simplefilter("ignore", UserWarning)
            rates = schedule.get_lr()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return value.detach().clone() if isinstance(value, Tensor) else value
