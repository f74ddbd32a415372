"""CIFAR-10 from its published binary archive: 60,000 real 32 x 32 colour images in 10 classes.

https://www.cs.toronto.edu/~kriz/cifar.html: a record is one byte of label and 3,072 bytes of pixels, the red plane,
then the green, then the blue. The archive is not downloaded: it lies in a bucket or a folder, packed or unpacked, and
is believed when its sha256, or those of its files, are the expected ones. Nothing of it is written to disk.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping

import numpy as np

from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore, split_object_uri
from trainyard_training.data.examples import DataError, Examples, concatenated
from trainyard_training.data.sources.source import Source, by_label
from trainyard_training.dataset_specification import CIFAR10_FOLDER, Cifar10Source

_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CHUNK = 2**20

PUBLISHED_FILES: Mapping[str, str] = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
"""The sha256 of each file of the published archive, as https://github.com/ankane/torchvision-ruby compares
them."""


def read_cifar10(options: Cifar10Source, seed: int, files_sha256: Mapping[str, str] = PUBLISHED_FILES) -> Source:
    """The archive's images; the seed decides their order within a label.

    :param files_sha256: What the files of an unpacked archive hash to.

    Raises:
        DataError: the archive is missing, altered, truncated, or holds something else.
        StorageError: its store cannot be read.
    """
    uri = options.archive_uri
    if options.is_unpacked:
        files = _read_files(uri, files_sha256)
    else:
        files = _unpacked(_read_archive(uri, options.archive_sha256), uri)
    random = np.random.default_rng(seed)
    train, test = (
        _shuffled(concatenated([_decode(files.pop(name), f"{uri}: {name}") for name in names]), random)
        for names in (_TRAIN, _TEST)
    )
    return Source(
        description="CIFAR-10 (Krizhevsky, 2009), binary version",
        train=train,
        test=test,
        labels=_LABELS,
        largest_value=255,
    )


def _read_archive(uri: str, sha256: str) -> bytes:
    store_uri, name = split_object_uri(uri)
    try:
        data = ObjectStore(store_uri).get(name)
    except ObjectNotFoundError:
        raise DataError(f"there is no archive at {uri}; it is cifar-10-binary.tar.gz as published") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(
            f"the archive {uri} ({len(data)} bytes) has the sha256 {found}, expected {sha256} (cifar10.archive_sha256)"
        )
    return data


def _read_files(uri: str, files_sha256: Mapping[str, str]) -> dict[str, bytes]:
    """The unpacked archive's batches by file name; all that is wrong with them is told at once."""
    store = ObjectStore(uri)
    files: dict[str, bytes] = {}
    problems = []
    for name in _TRAIN + _TEST:
        try:
            files[name] = store.get(name)
        except ObjectNotFoundError:
            problems.append(f"{name} is missing")
            continue
        found = hashlib.sha256(files[name]).hexdigest()
        if found != files_sha256[name]:
            problems.append(f"{name} ({len(files[name])} bytes) has the sha256 {found}, expected {files_sha256[name]}")
    if problems:
        raise DataError(f"the unpacked archive {uri} is not the published one: {'; '.join(problems)}")
    return files


def _unpacked(archive: bytes, uri: str) -> dict[str, bytes]:
    """The archive's batches by file name. Links and other members are not read, so where they lead is no matter."""
    files: dict[str, bytes] = {}
    try:
        with gzip.open(io.BytesIO(archive)) as unzipped:
            with tarfile.open(fileobj=unzipped, mode="r:") as tar:
                for member in tar:
                    folder, _, name = member.name.rpartition("/")
                    file = tar.extractfile(member) if folder == CIFAR10_FOLDER and member.isfile() else None
                    if file is not None and name in _TRAIN + _TEST:
                        files[name] = file.read()
            while unzipped.read(_CHUNK):
                pass  # Only at its end does gzip compare the checksum.
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"the archive {uri} cannot be unpacked: {error}") from None
    if missing := [name for name in _TRAIN + _TEST if name not in files]:
        raise DataError(f"the archive {uri} has no {', '.join(f'{CIFAR10_FOLDER}/{name}' for name in missing)}")
    return files


def _decode(data: bytes, what: str) -> Examples:
    if not data or len(data) % _RECORD:
        raise DataError(f"{what} has {len(data)} bytes, which is not a whole number of records of {_RECORD}")
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].copy()
    if int(labels.max()) >= len(_LABELS):
        raise DataError(f"{what} has a label {labels.max()}; CIFAR-10's are from 0 to {len(_LABELS) - 1}")
    return Examples(inputs=records[:, 1:].reshape(-1, *_SHAPE), labels=labels)


def _shuffled(examples: Examples, random: np.random.Generator) -> Examples:
    return examples.at(np.concatenate(by_label(examples.labels, random)))
