"""What a site computes: some epochs of training from the global model, and its accuracy (ClientUpdate in the paper).

Every round begins with a new optimiser, and its order of examples comes from (seed, site, round) alone: a round that is
repeated gives the same update.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainyard_federated.specification import FederatedSpecification
from trainyard_training.data.examples import Examples
from trainyard_training.models import DataShape, build_model

_EVALUATION_BATCH = 512


def new_model(job: FederatedSpecification) -> nn.Module:
    """The model before the first round, the same everywhere.

    Raises:
        SpecificationError: there is no such model, or it does not fit the examples.
    """
    shape = job.examples
    return build_model(job.model, DataShape(shape.input_shape, shape.largest_value, len(shape.labels)), job.seed)


def weights_of(model: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Copies of a model's weights by name."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.state_dict().items()}


def set_weights(model: nn.Module, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Put weights into a model.

    Raises:
        RuntimeError: names or shapes are not the model's.
    """
    # A copy: arrays that came over the network are read-only.
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})


def train_locally(model: nn.Module, data: Examples, job: FederatedSpecification, site: str, round_number: int) -> float:
    """Train for the round's epochs; returns the mean loss over all examples, each before its step."""
    torch.manual_seed(_seed(job.seed, site, round_number))
    parameters = list(model.parameters())
    optimizer = make_optimizer(parameters, job)
    model.train()
    total = 0.0
    for inputs, labels in _batches(data, job, site, round_number):
        optimizer.zero_grad()
        loss: Tensor = cross_entropy(model(inputs), labels, label_smoothing=job.optimization.label_smoothing)
        loss.backward()
        if job.optimization.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, job.optimization.clip_norm)
        optimizer.step()
        total += float(loss.item()) * len(labels)
    return total / (job.local_epochs * len(data))


def make_optimizer(parameters: list[nn.Parameter], job: FederatedSpecification) -> torch.optim.Optimizer:
    """The optimiser that was agreed on, with nothing in its state.

    Apart from the one of ``trainyard_training.learner``, whose imports for distributed training take over a second.
    """
    asked = job.optimization
    if asked.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=job.learning_rate, momentum=asked.momentum, weight_decay=asked.weight_decay
        )
    return torch.optim.AdamW(parameters, lr=job.learning_rate, weight_decay=asked.weight_decay)


@torch.no_grad()
def count_correct(model: nn.Module, data: Examples) -> int:
    """Examples whose label the model gets right."""
    model.eval()
    correct = 0
    for start in range(0, len(data), _EVALUATION_BATCH):
        part = slice(start, start + _EVALUATION_BATCH)
        correct += int((model(_tensor(data.inputs[part])).argmax(1).numpy() == data.labels[part]).sum())
    return correct


def _batches(
    data: Examples, job: FederatedSpecification, site: str, round_number: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """All examples, shuffled, once an epoch; the last batch of an epoch is smaller where they do not divide."""
    for epoch in range(job.local_epochs):
        order = np.random.default_rng([_seed(job.seed, site, round_number), epoch]).permutation(len(data))
        for start in range(0, len(order), job.batch_size):
            chosen = order[start : start + job.batch_size]
            yield _tensor(data.inputs[chosen]), torch.from_numpy(data.labels[chosen].astype(np.int64))


def _tensor(inputs: NDArray[Any]) -> Tensor:
    return torch.from_numpy(inputs.astype(np.float32))


def _seed(seed: int, site: str, round_number: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{site}/{round_number}".encode()).digest()[:8], "big") >> 1
