"""Small networks and the digits to train them on, for this folder's tests."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

LABELS = tuple("0123456789")
IMAGE = (1, 8, 8)
FEATURES = (200,)


@dataclass(frozen=True)
class Some:
    """Raw examples with labels."""

    inputs: NDArray[Any]
    labels: NDArray[Any]


class Convolutions(nn.Module):
    """After LeNet: convolutions, a pooling, linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3), nn.ReLU()
        )
        self.classify = nn.Sequential(nn.Linear(24 * 2 * 2, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, image: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.classify(self.features(image / 16).flatten(1))
        return logits


class Residual(nn.Module):
    """A shortcut around normalised convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.block = nn.Sequential(
            nn.GroupNorm(2, 16), nn.SiLU(), nn.Conv2d(16, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 16, 3, padding=1)
        )
        self.head = nn.Sequential(nn.SiLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10))

    def forward(self, image: Tensor) -> Tensor:
        """Logits."""
        stem = self.stem(image / 16)
        logits: Tensor = self.head(stem + self.block(stem))
        return logits


class Rows(nn.Module):
    """Yes or no from 200 features, as two logits of which the first is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.decide = nn.Sequential(nn.Linear(200, 32), nn.Sigmoid(), nn.Linear(32, 1))

    def forward(self, rows: Tensor) -> Tensor:
        """Logits."""
        yes = self.decide(rows)
        return torch.cat([torch.zeros_like(yes), yes], dim=1)


class Templates(nn.Module):
    """No convolution, no linear layer, no product of matrices: the sum of pixels that each label likes."""

    def __init__(self) -> None:
        super().__init__()
        self.likes = nn.Parameter(torch.linspace(-1, 1, 640).reshape(1, 10, 64))

    def forward(self, image: Tensor) -> Tensor:
        """Logits."""
        return (image.reshape(-1, 1, 64) * self.likes).sum(dim=2)


def digits() -> tuple[Some, Some]:
    """1,400 images to train on, 397 to test."""
    found = load_digits()
    images, labels = found.images.astype(np.uint8)[:, np.newaxis], found.target.astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order], labels[order]
    return Some(images[:1400], labels[:1400]), Some(images[1400:], labels[1400:])


def rows() -> tuple[Some, Some]:
    """600 rows of 200 features to train on, 200 to test; where the answer is yes, all are larger by one."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 800).astype(np.uint8)
    values = random.normal(size=(800, 200)).astype(np.float32)
    values += labels[:, np.newaxis]
    return Some(values[:600], labels[:600]), Some(values[600:], labels[600:])
