"""The loader and the shards: real data, dealt evenly, written once, verified on reading."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.storage import ObjectStore
from trainyard_training import dataset
from trainyard_training.data.examples import DataError, Examples, decode_examples, encode_examples
from trainyard_training.data.shards import DatasetIndex, describe_shard, read_index, read_shard
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures


@pytest.fixture
def load(object_cloud: ObjectCloud, tmp_path: Path) -> Callable[[], ExitStatus]:
    """Runs the loader on a dataset file."""
    path = tmp_path / "DATASET.json"
    uri = f"s3://{object_cloud.datasets_bucket}/{tmp_path.name}"
    path.write_text(json.dumps({"datasets_uri": uri, "shards": 8, "seed": 7}))
    return lambda: report_failures(lambda: dataset.main([str(path)]))


def test_loading_again_writes_nothing_and_repairs_what_is_damaged(
    load: Callable[[], ExitStatus], object_cloud: ObjectCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load() is ExitStatus.DONE
    assert "17 written, 0 already there" in capsys.readouterr().out
    assert load() is ExitStatus.DONE
    assert "0 written, 17 already there" in capsys.readouterr().out
    store = ObjectStore(f"s3://{object_cloud.datasets_bucket}/{tmp_path.name}")
    store.put("train-00003-of-00008.npz", b"damaged")
    store.delete("index.json")
    assert load() is ExitStatus.DONE
    assert "2 written, 15 already there" in capsys.readouterr().out
    index, _ = read_index(store)
    assert sum(len(read_shard(store, index, shard)) for shard in (*index.train, *index.test)) == 1797


def test_shards_and_test_split_have_every_label_in_proportion(dataset_objects: dict[str, bytes]) -> None:
    index = DatasetIndex.model_validate_json(dataset_objects["index.json"])
    assert len(index.train) == 8
    for shard in (*index.train, *index.test):
        counts = Counter(decode_examples(dataset_objects[shard.name], shard.name).labels.tolist())
        assert set(counts) == set(range(10))
        assert max(counts.values()) <= shard.examples / 10 + 3


def test_no_image_is_in_two_places(dataset_objects: dict[str, bytes]) -> None:
    original = Counter(image.tobytes() for image in load_digits().images.astype(np.uint8))
    parts = [decode_examples(data, name).inputs for name, data in dataset_objects.items() if name != "index.json"]
    assert Counter(image.tobytes() for image in np.concatenate(parts)) == original


def test_another_seed_makes_another_split(dataset_objects: dict[str, bytes]) -> None:
    other = dict(dataset.encode_dataset(read_digits(seed=8), shards=8))
    assert other.keys() == dataset_objects.keys()
    assert other["index.json"] != dataset_objects["index.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "bytes where the index lists"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "was altered: sha256"),
        (None, "is missing, though the index lists it"),
    ],
)
def test_a_damaged_shard_is_refused(
    dataset_objects: dict[str, bytes], tmp_path: Path, change: Callable[[bytes], bytes] | None, message: str
) -> None:
    store = ObjectStore(f"file://{tmp_path}")
    dataset.write_missing(store, dataset_objects.items())
    name = "train-00002-of-00008.npz"
    if change is None:
        store.delete(name)
    else:
        store.put(name, change(dataset_objects[name]))
    index, _ = read_index(store)
    with pytest.raises(DataError, match=rf"shard file://.*/{name}.* {message}.*; run the loader again"):
        read_shard(store, index, index.train[2])


def test_a_shard_of_another_shape_is_refused(dataset_objects: dict[str, bytes], tmp_path: Path) -> None:
    store = ObjectStore(f"file://{tmp_path}")
    dataset.write_missing(store, dataset_objects.items())
    examples = Examples(np.zeros((3, 1, 9, 9), np.uint8), np.zeros(3, np.uint8))
    other = encode_examples(examples)
    index, _ = read_index(store)
    name = index.train[2].name
    store.put(name, other)
    with pytest.raises(
        DataError, match=rf"shard file://.*/{name} holds inputs of shape \(3, 1, 9, 9\), the index lists"
    ):
        read_shard(store, index, describe_shard(name, examples, other))


def test_too_many_shards_are_refused_before_one_is_written() -> None:
    with pytest.raises(DataError, match=r"^1438 train examples and 359 test examples cannot fill 2000 shards$"):
        next(dataset.encode_dataset(read_digits(seed=7), shards=2000))
    with pytest.raises(DataError, match=r"^359 test examples cannot fill 400 shards$"):
        next(dataset.encode_dataset(read_digits(seed=7), shards=400))


def test_without_an_index_there_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no dataset at file://.*: index.json is missing; run the loader"):
        read_index(ObjectStore(f"file://{tmp_path}"))


@pytest.mark.usefixtures("object_cloud")
def test_a_missing_bucket_is_told_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "DATASET.json"
    path.write_text('{"datasets_uri": "s3://no-bucket-of-that-name/x", "shards": 8, "seed": 7}')
    assert report_failures(lambda: dataset.main([str(path)])) is ExitStatus.ACCESS_REFUSED
