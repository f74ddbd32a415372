"""A short training of a model that was pruned, so that what is left takes over from what is gone."""

import itertools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from trainyard_training.data.examples import Examples


def tune_on(
    examples: Examples, *, steps: int = 100, batch_size: int = 64, learning_rate: float = 1e-3, seed: int = 0
) -> Callable[[nn.Module], None]:
    """What trains a model for so many steps on the CPU: AdamW with a rate that falls to 0, batches drawn by the seed.

    Not for a model that was trained with differential privacy: these steps see the examples as they are.
    """

    def tune(model: nn.Module) -> None:
        inputs = torch.from_numpy(examples.inputs)
        labels = torch.from_numpy(examples.labels.astype("int64"))
        order = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
        epochs = (torch.randperm(len(labels), generator=order).split(batch_size) for _ in itertools.count())
        was_training = model.training
        model.train()
        for chosen in itertools.islice(itertools.chain.from_iterable(epochs), steps):
            optimizer.zero_grad()
            cross_entropy(model(inputs[chosen].float()), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
        model.train(was_training)

    return tune
