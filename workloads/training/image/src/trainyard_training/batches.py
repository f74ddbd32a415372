"""Which images make up which step, and how they are augmented.

Every step takes the same number of images from every shard, in an order drawn anew for each epoch. All random numbers
come from (seed, epoch or step, shard), so a step's global batch is the same on one worker as on eight, and the number
of the step is the whole position in the data: a run resumes in the middle of an epoch, and with another number of
workers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.shards import DatasetIndex, Examples, read_index, read_shard
from trainyard_training.specification import TrainingSpecification

_ORDER, _SHIFT = 0, 1


@dataclass(frozen=True)
class Dataset:
    """What one worker holds of the dataset."""

    index: DatasetIndex
    index_sha256: str
    train: dict[int, Examples]
    """This worker's shards by their number."""
    test: Examples
    """The whole test split."""

    @property
    def train_examples(self) -> int:
        """Images in the training split, those of all workers."""
        return sum(shard.examples for shard in self.index.train)


def load_dataset(job: TrainingSpecification, rank: int, workers: int) -> Dataset:
    """Read the test split and every ``workers``-th training shard from ``rank`` on.

    Raises:
        SpecificationError: shards, workers and global batch size do not divide.
        DataError: a shard or the index is missing, truncated or altered.
        StorageError: the store cannot be read.
    """
    store = ObjectStore(job.datasets_uri)
    index, index_sha256 = read_index(store)
    require_divisible(index, job.global_batch_size, workers)
    test = [read_shard(store, index, shard) for shard in index.test]
    return Dataset(
        index=index,
        index_sha256=index_sha256,
        train={
            number: read_shard(store, index, index.train[number]) for number in range(rank, len(index.train), workers)
        },
        test=Examples(
            images=np.concatenate([part.images for part in test]),
            labels=np.concatenate([part.labels for part in test]),
        ),
    )


def require_divisible(index: DatasetIndex, global_batch_size: int, workers: int) -> None:
    """Every worker must get equally many shards, every shard must give equally many images to a step.

    Raises:
        SpecificationError: they do not; all that does not fit is told at once.
    """
    shards = len(index.train)
    smallest = min(shard.examples for shard in index.train)
    problems = []
    if shards % workers:
        problems.append(f"the dataset's {shards} shards cannot be shared evenly by {workers} workers")
    if global_batch_size % shards:
        problems.append(f"global_batch_size: {global_batch_size} is not a multiple of the dataset's {shards} shards")
    elif global_batch_size // shards > smallest:
        problems.append(
            f"global_batch_size: {global_batch_size} takes {global_batch_size // shards} images of a shard at once,"
            f" the smallest shard has {smallest}; at most {smallest * shards} is possible"
        )
    if problems:
        raise SpecificationError("\n".join(problems))


class Batches:
    """This worker's part of each step's global batch."""

    def __init__(self, dataset: Dataset, global_batch_size: int, seed: int) -> None:
        self._shards = dataset.train
        self._per_shard = global_batch_size // len(dataset.index.train)
        self._seed = seed
        self.steps_per_epoch = min(shard.examples for shard in dataset.index.train) // self._per_shard
        self._epoch = -1
        self._orders: dict[int, NDArray[np.int64]] = {}

    def at(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Images (count, 1, height, width), half of them shifted by up to one pixel, and labels, of step 0, 1, ..."""
        epoch, position = divmod(step, self.steps_per_epoch)
        self._draw_orders(epoch)
        images, labels = [], []
        for number, shard in self._shards.items():
            chosen = self._orders[number][position * self._per_shard : (position + 1) * self._per_shard]
            images.append(shift_at_random(shard.images[chosen], self._random(_SHIFT, step, number)))
            labels.append(shard.labels[chosen])
        return (
            np.concatenate(images)[:, np.newaxis].astype(np.float32),
            np.concatenate(labels).astype(np.int64),
        )

    def _draw_orders(self, epoch: int) -> None:
        if epoch != self._epoch:
            self._epoch = epoch
            self._orders = {
                number: self._random(_ORDER, epoch, number).permutation(len(shard))
                for number, shard in self._shards.items()
            }

    def _random(self, purpose: int, time: int, shard: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, time, shard])


def shift_at_random(images: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Move half of the images by -1, 0 or 1 pixel in both directions; what comes in from outside is 0."""
    count, height, width = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = 1 + random.integers(-1, 2, size=(2, count, 1)) * random.integers(0, 2, size=(count, 1))
    rows = (down + np.arange(height))[:, :, np.newaxis]
    columns = (right + np.arange(width))[:, np.newaxis, :]
    shifted: NDArray[np.uint8] = padded[np.arange(count)[:, np.newaxis, np.newaxis], rows, columns]
    return shifted
