"""Batches: the same global batch on any number of workers, every example once an epoch, from any step on."""

import threading
import time
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.training.test_specification import VALID
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.data.augmentation import crop_flip, shift
from trainyard_training.data.batches import Batches
from trainyard_training.data.dataset import Dataset, open_dataset
from trainyard_training.data.examples import DataError, Examples
from trainyard_training.data.streams import Streams, require_divisible
from trainyard_training.dataset import write_missing
from trainyard_training.specification import TrainingSpecification


@pytest.fixture(scope="module")
def datasets_uri(dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = f"file://{tmp_path_factory.mktemp('digits')}"
    write_missing(ObjectStore(uri), dataset_objects.items())
    return uri


def job(datasets_uri: str, **options: object) -> TrainingSpecification:
    return TrainingSpecification.model_validate(VALID | {"datasets_uri": datasets_uri, "input": options})


def global_batch(specification: TrainingSpecification, workers: int, step: int) -> list[bytes]:
    """The images of one step over all workers, sorted."""
    images = []
    for rank in range(workers):
        batch = Batches(open_dataset(specification, rank, workers), specification).at(step)
        assert batch.inputs.shape == (specification.global_batch_size // workers, 1, 8, 8)
        assert len(batch.labels) == len(batch.inputs)
        images += [image.numpy().tobytes() for image in batch.inputs]
    return sorted(images)


@pytest.mark.parametrize(("streams", "workers"), [(None, (1, 2, 8)), (4, (1, 2, 4))])
@pytest.mark.parametrize("step", [0, 21, 22, 1000])
def test_the_global_batch_is_the_same_on_any_number_of_workers(
    datasets_uri: str, step: int, streams: int | None, workers: tuple[int, ...]
) -> None:
    specification = job(datasets_uri, streams=streams)
    first, *others = (global_batch(specification, count, step) for count in workers)
    assert all(other == first for other in others)


@pytest.mark.parametrize("options", [{"prefetch_batches": 0}, {"prefetch_batches": 3, "cache_mib": 0, "streams": 2}])
def test_batches_go_on_at_any_step(datasets_uri: str, options: dict[str, int]) -> None:
    specification = job(datasets_uri, **options)
    with Batches(open_dataset(specification, 0, 1), specification).iterate(0) as iterator:
        whole = list(islice(iterator, 30))
    with Batches(open_dataset(specification, 0, 1), specification).iterate(17) as iterator:
        rest = list(islice(iterator, 13))
    assert [batch.step for batch in rest] == list(range(17, 30))
    for one, other in zip(whole[17:], rest, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.labels, other.labels)


def test_a_damaged_shard_ends_the_iteration_with_its_error(
    dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    uri = f"file://{tmp_path_factory.mktemp('damaged')}"
    write_missing(ObjectStore(uri), (dataset_objects | {"train-00003-of-00008.npz": b"damaged"}).items())
    specification = job(uri)
    batches = Batches(open_dataset(specification, 0, 1), specification)
    with batches.iterate(0) as iterator, pytest.raises(DataError, match=r"train-00003-of-00008.npz has 7 bytes"):
        next(iterator)

    assert list(iterator) == []


@pytest.mark.parametrize("prefetch", [0, 3])
def test_a_closed_iterator_has_no_batches_and_no_thread(datasets_uri: str, prefetch: int) -> None:
    before = set(threading.enumerate())
    specification = job(datasets_uri, prefetch_batches=prefetch)
    with Batches(open_dataset(specification, 0, 1), specification).iterate(0) as iterator:
        next(iterator)
    assert list(iterator) == []
    assert not {thread for thread in set(threading.enumerate()) - before if thread.name == "batches"}


@dataclass(frozen=True)
class SlowDataset(Dataset):
    """One that does not get on with a shard until it is let."""

    let: threading.Event = field(default_factory=threading.Event)
    begun: list[int] = field(default_factory=list)

    def read_train(self, number: int) -> Examples:
        """Note that it has begun, and wait; the first one of each stream comes at once."""
        self.begun.append(number)
        if len(self.begun) > self.streams:
            assert self.let.wait(30)
        return super().read_train(number)


def test_closing_gives_up_what_has_not_begun_to_be_read(datasets_uri: str) -> None:
    specification = job(datasets_uri, prefetch_batches=0, streams=4)
    whole = open_dataset(specification, 0, 1)
    slow = SlowDataset(whole.store, whole.index, whole.index_sha256, whole.streams, 0, 1)
    with Batches(slow, specification).iterate(0) as iterator:
        next(iterator)
        assert len(slow.begun) in (4, 5)
    slow.let.set()
    time.sleep(0.1)
    assert len(slow.begun) <= 5


@settings(max_examples=60, deadline=None)
@given(
    streams=st.integers(1, 6),
    shards_a_stream=st.integers(1, 4),
    per_step=st.integers(1, 7),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_an_epoch_takes_every_example_at_most_once_and_leaves_less_than_a_step_of_the_shortest_stream(
    streams: int, shards_a_stream: int, per_step: int, seed: int, data: st.DataObject
) -> None:
    sizes = data.draw(
        st.lists(st.integers(1, 9), min_size=streams * shards_a_stream, max_size=streams * shards_a_stream)
    )
    shortest = min(sum(sizes[stream::streams]) for stream in range(streams))
    if shortest < per_step:
        return
    order = Streams(sizes, streams, per_step * streams, seed)
    assert order.steps_per_epoch == shortest // per_step
    epoch = data.draw(st.integers(0, 3))
    for stream in range(streams):
        taken: list[tuple[int, int]] = []
        for step in range(epoch * order.steps_per_epoch, (epoch + 1) * order.steps_per_epoch):
            pieces = order.pieces(stream, step)
            assert sum(len(positions) for _, positions in pieces) == per_step
            taken += [(shard, int(position)) for shard, positions in pieces for position in positions]
        assert len(set(taken)) == len(taken)
        assert all(shard % streams == stream and position < sizes[shard] for shard, position in taken)


def test_every_step_is_another_batch(datasets_uri: str) -> None:
    specification = job(datasets_uri)
    batches = Batches(open_dataset(specification, 0, 1), specification)
    seen = {batches.at(step).inputs.numpy().tobytes() for step in range(3 * batches.steps_per_epoch)}
    assert len(seen) == 3 * batches.steps_per_epoch


def test_what_does_not_divide_is_told_at_once() -> None:
    sizes = [179] * 8
    assert require_divisible(sizes, None, 64, 2) == 8
    assert require_divisible(sizes, 2, 64, 2) == 2
    with pytest.raises(SpecificationError) as caught:
        require_divisible(sizes, None, 60, 3)
    assert str(caught.value).splitlines() == [
        "the dataset's 8 shards cannot be shared evenly by 3 workers",
        "global_batch_size: 60 is not a multiple of the dataset's 8 shards",
    ]
    with pytest.raises(SpecificationError) as caught:
        require_divisible(sizes, 3, 64, 2)
    assert str(caught.value).splitlines() == [
        "input.streams: 3 does not divide the dataset's 8 shards",
        "input.streams, 3, cannot be shared evenly by 2 workers",
        "global_batch_size: 64 is not a multiple of input.streams, 3",
    ]
    with pytest.raises(SpecificationError, match="takes 250 examples of a stream at once, the smallest has 179"):
        require_divisible(sizes, None, 2000, 2)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_shift_moves_an_image_by_at_most_one_pixel(seed: int) -> None:
    images = np.zeros((20, 1, 8, 8), dtype=np.uint8)
    images[:, :, 4, 4] = 9
    count, _, rows, columns = np.nonzero(shift(images, np.random.default_rng(seed)))
    assert count.tolist() == list(range(20))
    assert set(rows.tolist()) | set(columns.tolist()) <= {3, 4, 5}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_crop_is_a_part_of_the_padded_image_or_of_its_mirror(seed: int) -> None:
    images = np.arange(1, 3 * 6 * 5 + 1, dtype=np.uint8).reshape(1, 3, 6, 5)
    (cropped,) = crop_flip(images, np.random.default_rng(seed))
    padded = np.pad(images[0], ((0, 0), (4, 4), (4, 4)))
    possible = [
        whole[:, row : row + 6, column : column + 5].tobytes()
        for whole in (padded, padded[..., ::-1])
        for row in range(9)
        for column in range(9)
    ]
    assert cropped.tobytes() in possible
