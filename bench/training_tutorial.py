"""The plain loop of PyTorch's tutorial on training a classifier, to compare with.

https://pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html: its network, loss, optimiser (SGD, rate 0.001,
momentum 0.9), transforms of each image by itself (ToTensor, then Normalize to -1..1, as torchvision computes them) and
data loaders with two workers. The tutorial's batch is 4 images; larger ones take less time for an image and more
epochs, so the batch is the caller's choice. The images are in memory before the clock starts.

Run as `python -m bench.training_tutorial DATA BATCH EPOCHS ACCURACY`, where DATA is JSON: `archive` and `sha256`, see
`training_data`; see `train` for the others. Prints a JSON document: the test accuracy after each epoch, and seconds
from the start.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from bench.training_data import Data

if TYPE_CHECKING:
    from trainyard_training.data.examples import Examples
    from trainyard_training.data.sources.source import Source

WORKERS = 2
LEARNING_RATE = 0.001
MOMENTUM = 0.9
SEED = 0


class Network(nn.Module):
    """The tutorial's, for 3 x 32 x 32."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, labels)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (count, labels) of images (count, 3, 32, 32)."""
        x = self.pool(functional.relu(self.conv1(x)))
        x = self.pool(functional.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = functional.relu(self.fc1(x))
        x = functional.relu(self.fc2(x))
        return self.fc3(x)


class Images(Dataset[tuple[Tensor, int]]):
    """Images with their transforms."""

    def __init__(self, examples: "Examples", largest_value: int) -> None:
        # With the channels last, as images are read.
        self._images = np.ascontiguousarray(examples.inputs.transpose(0, 2, 3, 1))
        self._labels = examples.labels.tolist()
        self._largest = largest_value

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        """One image, from -1 to 1, and its label."""
        image = torch.from_numpy(self._images[position]).permute(2, 0, 1).contiguous()
        image = image.to(torch.float32).div(self._largest)
        mean, deviation = torch.as_tensor((0.5, 0.5, 0.5)), torch.as_tensor((0.5, 0.5, 0.5))
        return image.sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1)), self._labels[position]


def train(source: "Source", *, batch: int, epochs: int, accuracy: float) -> dict[str, Any]:
    """Trains for so many epochs, or until a test accuracy, with a test after each epoch."""
    assert source.largest_value is not None
    train_images, test_images = (Images(each, source.largest_value) for each in (source.train, source.test))
    accuracies, at = [], []
    torch.manual_seed(SEED)
    began = time.perf_counter()
    train_loader = DataLoader(train_images, batch_size=batch, shuffle=True, num_workers=WORKERS)
    test_loader = DataLoader(test_images, batch_size=batch, shuffle=False, num_workers=WORKERS)
    network = Network(len(source.labels))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for _ in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(network(inputs), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        correct = 0
        with torch.no_grad():
            for inputs, labels in test_loader:
                correct += int((network(inputs).argmax(1) == labels).sum().item())
        accuracies.append(correct / len(test_images))
        at.append(time.perf_counter() - began)
        if accuracies[-1] >= accuracy:
            break
    return {"accuracies": accuracies, "at": at}


def main(arguments: list[str]) -> None:
    """See the module."""
    # What the optimiser imports when it is first used; by its name, so that nobody takes it for unused.
    importlib.import_module("torch._dynamo")

    chosen = json.loads(arguments[0])
    archive = chosen["archive"]
    data = Data(archive=None if archive is None else Path(archive), sha256=chosen["sha256"])
    batch, epochs, accuracy = int(arguments[1]), int(arguments[2]), float(arguments[3])
    print(json.dumps(train(data.source(), batch=batch, epochs=epochs, accuracy=accuracy)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
