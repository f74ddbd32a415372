"""Networks that were trained a little, once for all tests of a process."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from tests.workloads.training.finishing import nets
from trainyard_training.finishing.tuning import tune_on


@dataclass(frozen=True)
class Trained:
    """A network with the data that it knows."""

    model: nn.Module
    train: nets.Some
    test: nets.Some
    input_shape: tuple[int, ...]
    labels: tuple[str, ...]

    @property
    def sample(self) -> nets.Some:
        """Some of the training examples."""
        return nets.Some(self.train.inputs[:256], self.train.labels[:256])


@pytest.fixture(scope="session")
def trained() -> dict[str, Trained]:
    """``convolutions``, ``residual`` and ``rows``."""
    torch.manual_seed(1)
    digits = (*nets.digits(), nets.IMAGE, nets.LABELS)
    found = {
        "convolutions": Trained(nets.Convolutions(), *digits),
        "residual": Trained(nets.Residual(), *digits),
        "rows": Trained(nets.Rows(), *nets.rows(), nets.FEATURES, ("no", "yes")),
    }
    for each in found.values():
        tune_on(each.train, steps=150, learning_rate=0.01)(each.model)
    return found
