"""A data set as one worker sees it: the index, and its own shards of both splits."""

from dataclasses import dataclass

from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.data.examples import Examples, concatenated
from trainyard_training.data.shards import DatasetIndex, read_index, read_shard
from trainyard_training.data.streams import require_divisible
from trainyard_training.specification import TrainingSpecification


@dataclass(frozen=True)
class Dataset:
    """Nothing of it is in memory but the index."""

    store: ObjectStore
    index: DatasetIndex
    index_sha256: str
    streams: int
    rank: int
    workers: int

    @property
    def train_examples(self) -> int:
        """Examples in the training split, those of all workers."""
        return sum(shard.examples for shard in self.index.train)

    @property
    def test_examples(self) -> int:
        """Examples in the test split, those of all workers."""
        return sum(shard.examples for shard in self.index.test)

    @property
    def train_sizes(self) -> list[int]:
        """Examples of each training shard."""
        return [shard.examples for shard in self.index.train]

    def read_train(self, number: int) -> Examples:
        """One training shard. Raises DataError, StorageError."""
        return read_shard(self.store, self.index, self.index.train[number])

    def read_test(self) -> Examples | None:
        """This worker's test shards; None where there are fewer than workers. Raises DataError, StorageError."""
        mine = self.index.test[self.rank :: self.workers]
        return concatenated([read_shard(self.store, self.index, shard) for shard in mine]) if mine else None

    def read_whole_test(self) -> Examples:
        """All test shards. Raises DataError, StorageError."""
        return concatenated([read_shard(self.store, self.index, shard) for shard in self.index.test])


def open_dataset(job: TrainingSpecification, rank: int, workers: int) -> Dataset:
    """Read the index.

    Raises:
        SpecificationError: shards, streams, workers and global batch size do not divide, or the augmentation does not
            fit the data.
        DataError: the index is missing or altered.
        StorageError: the store cannot be read.
    """
    store = ObjectStore(job.datasets_uri)
    index, index_sha256 = read_index(store)
    sizes = [shard.examples for shard in index.train]
    streams = require_divisible(sizes, job.input.streams, job.global_batch_size, workers)
    if job.input.augmentation == "crop_flip" and len(index.input_shape) != 3:
        raise SpecificationError(
            f"input.augmentation: 'crop_flip' is for images, the examples at {job.datasets_uri} have the shape"
            f" {index.input_shape}; none fits them"
        )
    return Dataset(store, index, index_sha256, streams, rank, workers)
