"""The loader: puts a data set into its bucket, as ``DATASET.json`` asks.

Running it again writes nothing that is already there and repairs what was damaged. Run as
``python -m trainyard_training.dataset DATASET.json``; exit codes are in ``exit_status``.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from trainyard_artifacts.specification import load_specification
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore
from trainyard_training.data.examples import DataError, encode_examples
from trainyard_training.data.shards import INDEX_NAME, DatasetIndex, describe_shard, encode_index
from trainyard_training.data.sources.binary import generate_binary
from trainyard_training.data.sources.cifar10 import read_cifar10
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.data.sources.source import Source
from trainyard_training.dataset_specification import BinarySource, DatasetSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures

_SHARDS_A_LINE = 64


def main(arguments: list[str]) -> ExitStatus:
    """Fill the bucket and say what was done."""
    if len(arguments) != 1:
        print("usage: python -m trainyard_training.dataset DATASET.json", file=sys.stderr)
        return ExitStatus.BAD_SPECIFICATION
    specification = load_specification(Path(arguments[0]), DatasetSpecification)
    source = read_source(specification)
    store = ObjectStore(specification.datasets_uri)
    written, there, total = write_missing(store, encode_dataset(source, specification.shards))
    print(
        f"dataset: {store.uri}, {written + there} objects, {total / 1024:.0f} KiB, {written} written,"
        f" {there} already there",
        flush=True,
    )
    return ExitStatus.DONE


def read_source(specification: DatasetSpecification) -> Source:
    """The examples that the specification asks for. Raises DataError, StorageError."""
    if specification.cifar10 is not None:
        return read_cifar10(specification.cifar10, specification.seed)
    if specification.source == "binary":
        return generate_binary(specification.binary or BinarySource(), specification.seed)
    return read_digits(specification.seed)


def encode_dataset(source: Source, shards: int) -> Iterator[tuple[str, bytes]]:
    """The dataset's objects with their names, in the order to write them: shards, then the index.

    Every shard has each label in the same proportion as far as that divides.

    Raises:
        DataError: a split has fewer examples than there are shards; raised before the first object.
    """
    splits = {"train": source.train, "test": source.test}
    short = [f"{len(examples)} {split} examples" for split, examples in splits.items() if len(examples) < shards]
    if short:
        raise DataError(f"{' and '.join(short)} cannot fill {shards} shards")
    entries = {}
    for split, examples in splits.items():
        described = []
        for number in range(shards):
            name = f"{split}-{number:05}-of-{shards:05}.npz"
            # Dealt like cards: a split is sorted by label, so every shard gets its share of each.
            part = examples.at(np.arange(number, len(examples), shards))
            data = encode_examples(part)
            described.append(describe_shard(name, part, data))
            yield name, data
        entries[split] = tuple(described)
    index = DatasetIndex(
        source=source.description,
        input_shape=source.train.inputs.shape[1:],
        largest_value=source.largest_value,
        labels=source.labels,
        train=entries["train"],
        test=entries["test"],
    )
    yield INDEX_NAME, encode_index(index)


def write_missing(store: ObjectStore, objects: Iterable[tuple[str, bytes]]) -> tuple[int, int, int]:
    """Write those objects that are not stored with these very bytes.

    Returns:
        How many were written, how many were there, and the bytes of all.

    Raises:
        StorageError: the store refuses or does not answer.
    """
    written = there = total = 0
    for name, data in objects:
        total += len(data)
        if _is_stored(store, name, data):
            there += 1
        else:
            store.put(name, data)
            written += 1
        if (written + there) % _SHARDS_A_LINE == 0:
            print(f"dataset: {written + there} objects, {total / 2**20:,.0f} MiB", flush=True)
    return written, there, total


def _is_stored(store: ObjectStore, name: str, data: bytes) -> bool:
    try:
        return store.get(name) == data
    except ObjectNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(report_failures(lambda: main(sys.argv[1:])))
