"""The loader: puts scikit-learn's handwritten digits into the datasets bucket, as ``DATASET.json`` asks.

1,797 real 8 x 8 scans from UCI's Optical Recognition of Handwritten Digits, which ship inside the package. Running it
again writes nothing that is already there and repairs what was damaged. Run as
``python -m trainyard_training.dataset DATASET.json``; exit codes are in ``exit_status``.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainyard_artifacts.specification import load_specification
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures
from trainyard_training.shards import (
    INDEX_NAME,
    DatasetIndex,
    Examples,
    describe_shard,
    encode_examples,
    encode_index,
)
from trainyard_training.specification import DatasetSpecification

SOURCE = "scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits, test part)"
LABELS = tuple("0123456789")
LARGEST_PIXEL = 16
TEST_SHARE = 0.2

Positions = NDArray[np.intp]


def main(arguments: list[str]) -> ExitStatus:
    """Fill the bucket and say what was done."""
    if len(arguments) != 1:
        print("usage: python -m trainyard_training.dataset DATASET.json", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    specification = load_specification(Path(arguments[0]), DatasetSpecification)
    store = ObjectStore(specification.datasets_uri)
    objects = encode_dataset(load_digits(), specification.shards, specification.seed)
    written = write_missing(store, objects)
    total_kib = sum(map(len, objects.values())) / 1024
    print(
        f"dataset: {store.uri}, {len(objects)} objects, {total_kib:.0f} KiB, {written} written,"
        f" {len(objects) - written} already there",
        flush=True,
    )
    return ExitStatus.DONE


def load_digits() -> Examples:
    """All digits as scikit-learn has them, pixels from 0 to 16."""
    # Imported here since it takes seconds and a bad specification should be told at once.
    from sklearn.datasets import load_digits as load

    digits = load()
    return Examples(images=digits.images.astype(np.uint8), labels=digits.target.astype(np.uint8))


def encode_dataset(examples: Examples, shards: int, seed: int) -> dict[str, bytes]:
    """The dataset's objects by name, in the order to write them: shards, then the index.

    Every shard, and the test split, has each label in the same proportion as far as that divides.
    """
    train, test = _stratified_split(examples.labels, np.random.default_rng(seed))
    # Dealt like cards: the training split is sorted by label, so every shard gets its share of each.
    parts = {f"train-{number:05}-of-{shards:05}.npz": train[number::shards] for number in range(shards)}
    parts["test-00000-of-00001.npz"] = test
    objects: dict[str, bytes] = {}
    entries = []
    for name, positions in parts.items():
        part = Examples(images=examples.images[positions], labels=examples.labels[positions])
        objects[name] = encode_examples(part)
        entries.append(describe_shard(name, part, objects[name]))
    index = DatasetIndex(
        source=SOURCE,
        image_shape=(examples.images.shape[1], examples.images.shape[2]),
        largest_pixel=LARGEST_PIXEL,
        labels=LABELS,
        train=tuple(entries[:-1]),
        test=tuple(entries[-1:]),
    )
    objects[INDEX_NAME] = encode_index(index)
    return objects


def write_missing(store: ObjectStore, objects: dict[str, bytes]) -> int:
    """Write those objects that are not stored with these very bytes; returns how many that were.

    Raises:
        StorageError: the store refuses or does not answer.
    """
    written = 0
    for name, data in objects.items():
        if not _is_stored(store, name, data):
            store.put(name, data)
            written += 1
    return written


def _is_stored(store: ObjectStore, name: str, data: bytes) -> bool:
    try:
        return store.get(name) == data
    except ObjectNotFoundError:
        return False


def _stratified_split(labels: NDArray[np.uint8], random: np.random.Generator) -> tuple[Positions, Positions]:
    """Positions of the training and of the test split, each sorted by label and shuffled within a label."""
    train, test = [], []
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        held_out = round(len(members) * TEST_SHARE)
        test.append(members[:held_out])
        train.append(members[held_out:])
    return np.concatenate(train), np.concatenate(test)


if __name__ == "__main__":
    sys.exit(report_failures(lambda: main(sys.argv[1:])))
