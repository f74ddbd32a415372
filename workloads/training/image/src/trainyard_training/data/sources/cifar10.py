"""CIFAR-10 from its published binary archive: 60,000 real 32 x 32 colour images in 10 classes.

https://www.cs.toronto.edu/~kriz/cifar.html: a record is one byte of label and 3,072 bytes of pixels, the red plane,
then the green, then the blue. The archive is not downloaded: it lies in a bucket or a folder, and is believed when its
sha256 is the expected one. Nothing of it is written to disk.
"""

import hashlib
import io
import tarfile

import numpy as np

from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore, split_object_uri
from trainyard_training.data.examples import DataError, Examples, concatenated
from trainyard_training.data.sources.source import Source, by_label
from trainyard_training.dataset_specification import Cifar10Source

_FOLDER = "cifar-10-batches-bin"
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_cifar10(options: Cifar10Source, seed: int) -> Source:
    """The archive's images; the seed decides their order within a label.

    Raises:
        DataError: the archive is missing, altered, truncated, or holds something else.
        StorageError: its store cannot be read.
    """
    uri = options.archive_uri
    store_uri, name = split_object_uri(uri)
    try:
        data = ObjectStore(store_uri).get(name)
    except ObjectNotFoundError:
        raise DataError(f"there is no archive at {uri}; it is cifar-10-binary.tar.gz as published") from None
    found = hashlib.sha256(data).hexdigest()
    if found != options.archive_sha256:
        raise DataError(
            f"the archive {uri} ({len(data)} bytes) has the sha256 {found}, expected {options.archive_sha256}"
            " (cifar10.archive_sha256)"
        )
    files = _files(data, uri)
    random = np.random.default_rng(seed)
    train, test = (
        _shuffled(concatenated([_decode(files[name], f"{uri}: {name}") for name in names]), random)
        for names in (_TRAIN, _TEST)
    )
    return Source(
        description="CIFAR-10 (Krizhevsky, 2009), binary version",
        train=train,
        test=test,
        labels=_LABELS,
        largest_value=255,
    )


def _files(archive: bytes, uri: str) -> dict[str, bytes]:
    """The archive's batches by file name."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                file = tar.extractfile(member) if folder == _FOLDER and member.isfile() else None
                if file is not None and name in _TRAIN + _TEST:
                    files[name] = file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"the archive {uri} cannot be unpacked: {error}") from None
    if missing := [name for name in _TRAIN + _TEST if name not in files]:
        raise DataError(f"the archive {uri} has no {', '.join(f'{_FOLDER}/{name}' for name in missing)}")
    return files


def _decode(data: bytes, what: str) -> Examples:
    if not data or len(data) % _RECORD:
        raise DataError(f"{what} has {len(data)} bytes, which is not a whole number of records of {_RECORD}")
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].copy()
    if int(labels.max()) >= len(_LABELS):
        raise DataError(f"{what} has a label {labels.max()}; CIFAR-10's are from 0 to {len(_LABELS) - 1}")
    return Examples(inputs=records[:, 1:].reshape(-1, *_SHAPE).copy(), labels=labels)


def _shuffled(examples: Examples, random: np.random.Generator) -> Examples:
    return examples.at(np.concatenate(by_label(examples.labels, random)))
