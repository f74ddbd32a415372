"""Batches: the same global batch on any number of workers, every image once an epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workloads.training.test_specification import VALID
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.batches import Batches, load_dataset, require_divisible, shift_at_random
from trainyard_training.dataset import write_missing
from trainyard_training.shards import DatasetIndex
from trainyard_training.specification import TrainingSpecification


@pytest.fixture(scope="module")
def job(dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> TrainingSpecification:
    directory = tmp_path_factory.mktemp("digits")
    write_missing(ObjectStore(f"file://{directory}"), dataset_objects)
    return TrainingSpecification.model_validate(VALID | {"datasets_uri": f"file://{directory}"})


def global_batch(job: TrainingSpecification, workers: int, step: int) -> list[bytes]:
    """The images of one step over all workers, sorted."""
    images = []
    for rank in range(workers):
        batches = Batches(load_dataset(job, rank, workers), job.global_batch_size, job.seed)
        part, labels = batches.at(step)
        assert part.shape == (job.global_batch_size // workers, 1, 8, 8)
        assert len(labels) == len(part)
        images += [image.tobytes() for image in part]
    return sorted(images)


@pytest.mark.parametrize("step", [0, 21, 22, 1000])
def test_the_global_batch_is_the_same_on_any_number_of_workers(job: TrainingSpecification, step: int) -> None:
    assert global_batch(job, 1, step) == global_batch(job, 2, step) == global_batch(job, 8, step)


def test_every_step_is_another_batch(job: TrainingSpecification) -> None:
    batches = Batches(load_dataset(job, 0, 1), job.global_batch_size, job.seed)
    seen = {batches.at(step)[0].tobytes() for step in range(3 * batches.steps_per_epoch)}
    assert len(seen) == 3 * batches.steps_per_epoch


def test_what_does_not_divide_is_told_at_once(dataset_objects: dict[str, bytes]) -> None:
    index = DatasetIndex.model_validate_json(dataset_objects["index.json"])
    require_divisible(index, 64, 2)
    with pytest.raises(SpecificationError) as caught:
        require_divisible(index, 60, 3)
    assert str(caught.value).splitlines() == [
        "the dataset's 8 shards cannot be shared evenly by 3 workers",
        "global_batch_size: 60 is not a multiple of the dataset's 8 shards",
    ]
    with pytest.raises(SpecificationError, match="takes 250 images of a shard at once, the smallest shard has 17"):
        require_divisible(index, 2000, 2)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_shift_moves_an_image_by_at_most_one_pixel(seed: int) -> None:
    images = np.zeros((20, 8, 8), dtype=np.uint8)
    images[:, 4, 4] = 9
    shifted = shift_at_random(images, np.random.default_rng(seed))
    count, rows, columns = np.nonzero(shifted)
    assert count.tolist() == list(range(20))
    assert set(rows.tolist()) | set(columns.tolist()) <= {3, 4, 5}
