"""What the loader fills a bucket from beside the digits: CIFAR-10's published format, and the binary task."""

import gzip
import hashlib
import io
import json
import math
import re
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard_artifacts.storage import ObjectStore
from trainyard_training import dataset
from trainyard_training.data.examples import DataError
from trainyard_training.data.shards import read_index, read_shard
from trainyard_training.data.sources.binary import generate_binary
from trainyard_training.data.sources.cifar10 import read_cifar10
from trainyard_training.dataset_specification import BinarySource, Cifar10Source, DatasetSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.failures import report_failures

NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def records(count: int, seed: int) -> bytes:
    """Records as CIFAR-10's binary version has them: a label from 0 to 9, then three planes of 32 x 32 pixels."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, size=(count, 3073), dtype=np.uint8)
    table[:, 0] = np.arange(count) % 10
    return table.tobytes()


def archive(files: dict[str, bytes], folder: str = "cifar-10-batches-bin") -> bytes:
    """A .tar.gz of the files, whose bytes depend on nothing else."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writer:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            writer.addfile(member, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), mtime=0)


FILES = {name: records(20, seed) for seed, name in enumerate(NAMES)}
CHECKSUMS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


def with_a_link() -> bytes:
    """An archive in which one file is a link to another place."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writer:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        writer.addfile(member)
    return gzip.compress(tar.getvalue(), mtime=0)


def with_another_checksum() -> bytes:
    """An archive whose bytes are not those that gzip's own checksum, 8 bytes before the end, was made of."""
    data = bytearray(archive(FILES))
    data[-6] ^= 1
    return bytes(data)


def unpacked(folder: Path, files: dict[str, bytes]) -> Cifar10Source:
    """A folder with the files, and the options that name it."""
    place = folder / "cifar-10-batches-bin"
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    return Cifar10Source(archive_uri=f"file://{place}")


def load(folder: Path, data: bytes, sha256: str | None = None) -> ExitStatus:
    """Run the loader on an archive with these bytes; it fills the folder ``data``."""
    (folder / "cifar-10-binary.tar.gz").write_bytes(data)
    uri = f"file://{folder}/data"
    source = {"archive_uri": f"file://{folder}/cifar-10-binary.tar.gz"}
    source["archive_sha256"] = sha256 or hashlib.sha256(data).hexdigest()
    document = {"datasets_uri": uri, "shards": 4, "seed": 7, "source": "cifar10", "cifar10": source}
    path = folder / "DATASET.json"
    path.write_text(json.dumps(document))
    return report_failures(lambda: dataset.main([str(path)]))


def test_every_image_of_the_archive_is_in_one_shard_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, archive(FILES)) is ExitStatus.DONE
    store = ObjectStore(f"file://{tmp_path}/data")
    index, _ = read_index(store)
    assert (index.input_shape, index.largest_value, len(index.labels)) == ((3, 32, 32), 255, 10)
    for shards, names in ((index.train, NAMES[:5]), (index.test, NAMES[5:])):
        found = [read_shard(store, index, shard) for shard in shards]
        stored = sorted(
            bytes([label]) + image.tobytes()
            for part in found
            for label, image in zip(part.labels, part.inputs, strict=True)
        )
        whole = b"".join(FILES[name] for name in names)
        assert stored == sorted(whole[start : start + 3073] for start in range(0, len(whole), 3073))


@pytest.mark.parametrize(
    ("data", "sha256", "message"),
    [
        (archive(FILES), "0" * 64, r"has the sha256 [0-9a-f]{64}, expected 0{64} \(cifar10.archive_sha256\)"),
        (archive(FILES)[:-900], None, "cannot be unpacked"),
        (with_another_checksum(), None, "cannot be unpacked: CRC check failed"),
        (b"no archive", None, "cannot be unpacked: Not a gzipped file"),
        (with_a_link(), None, "has no cifar-10-batches-bin/data_batch_1.bin"),
        (archive({name: FILES[name] for name in NAMES[1:]}), None, "has no cifar-10-batches-bin/data_batch_1.bin"),
        (archive(FILES, folder="elsewhere"), None, "has no cifar-10-batches-bin/data_batch_1.bin"),
        (archive(FILES | {"data_batch_2.bin": FILES["data_batch_2.bin"][:-1]}), None, "not a whole number of records"),
        (
            archive(FILES | {"test_batch.bin": b"\x0a" + bytes(3072)}),
            None,
            "has a label 10; CIFAR-10's are from 0",
        ),
    ],
    ids=[
        "another",
        "truncated",
        "altered",
        "no archive",
        "link",
        "file missing",
        "other folder",
        "record cut",
        "label",
    ],
)
def test_other_archives_are_refused_and_nothing_is_written(
    data: bytes, sha256: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(tmp_path, data, sha256) is ExitStatus.BAD_DATA
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error
    assert re.search(message, error), error
    assert not (tmp_path / "data").exists()


def test_an_unpacked_archive_gives_the_same_as_a_packed_one(tmp_path: Path) -> None:
    data = archive(FILES)
    (tmp_path / "packed.tar.gz").write_bytes(data)
    options = Cifar10Source(
        archive_uri=f"file://{tmp_path}/packed.tar.gz", archive_sha256=hashlib.sha256(data).hexdigest()
    )
    packed, loose = read_cifar10(options, 7), read_cifar10(unpacked(tmp_path, FILES), 7, CHECKSUMS)
    for one, other in ((packed.train, loose.train), (packed.test, loose.test)):
        assert np.array_equal(one.inputs, other.inputs)
        assert np.array_equal(one.labels, other.labels)


def test_all_that_is_wrong_with_an_unpacked_archive_is_told_at_once(tmp_path: Path) -> None:
    files = {name: FILES[name] for name in NAMES[1:]} | {"data_batch_2.bin": FILES["data_batch_2.bin"][:-1]}
    with pytest.raises(DataError) as caught:
        read_cifar10(unpacked(tmp_path, files), 7, CHECKSUMS)
    assert re.search(
        r"cifar-10-batches-bin is not the published one: data_batch_1.bin is missing; data_batch_2.bin \(61459 bytes\)"
        r" has the sha256 [0-9a-f]{64}, expected [0-9a-f]{64}$",
        str(caught.value),
    )


def test_an_unpacked_archive_has_to_be_the_published_one(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"data_batch_1\.bin .* expected cee916563c9f80d8.*; test_batch\.bin .* 8e2eb146ae"
    ):
        read_cifar10(unpacked(tmp_path, FILES), 7)


def test_a_missing_archive_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "DATASET.json"
    source = {"archive_uri": f"file://{tmp_path}/none.tar.gz"}
    document = {"datasets_uri": f"file://{tmp_path}/d", "shards": 4, "seed": 7, "source": "cifar10", "cifar10": source}
    path.write_text(json.dumps(document))
    assert report_failures(lambda: dataset.main([str(path)])) is ExitStatus.BAD_DATA
    assert f"there is no archive at file://{tmp_path}/none.tar.gz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "cifar10"}, "cifar10 must say where the archive lies"),
        ({"source": "digits", "binary": {}}, "binary must be left out where source is 'digits'"),
        (
            {"source": "cifar10", "cifar10": {"archive_uri": "s3://bucket"}},
            "cifar10.archive_uri: names no object; expected s3://BUCKET/OBJECT",
        ),
        (
            {
                "source": "cifar10",
                "cifar10": {"archive_uri": "s3://bucket/cifar-10-batches-bin", "archive_sha256": "0" * 64},
            },
            "cifar10: archive_sha256 must be left out where archive_uri is the unpacked folder",
        ),
        ({"source": "mnist"}, "source: input should be 'digits', 'cifar10' or 'binary', found 'mnist'"),
    ],
)
def test_a_source_and_its_options_have_to_fit(
    changes: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "DATASET.json"
    path.write_text(json.dumps({"datasets_uri": f"file://{tmp_path}/d", "shards": 4, "seed": 7} | changes))
    assert report_failures(lambda: dataset.main([str(path)])) is ExitStatus.BAD_SPECIFICATION
    assert message in capsys.readouterr().err


def test_the_binary_task_is_as_hard_as_its_formula_says() -> None:
    source = generate_binary(BinarySource(train_examples=2, test_examples=40_000, features=20), seed=3)
    rows, labels = source.test.inputs, source.test.labels
    yes, no = rows[labels == 1].mean(axis=0), rows[labels == 0].mean(axis=0)
    found = (rows - (yes + no) / 2) @ (yes - no) > 0
    best = 0.5 * (1 + math.erf(2 / math.sqrt(2)))
    assert float(np.mean(found == (labels == 1))) == pytest.approx(best, abs=0.005)


def test_a_specification_without_a_source_is_the_digits() -> None:
    found = DatasetSpecification(datasets_uri="s3://bucket/x", shards=8, seed=7)
    assert (found.source, found.cifar10, found.binary) == ("digits", None, None)
