"""The data that the training benchmarks train on: CIFAR-10 where its archive is at hand, else enlarged digits.

`TRAINYARD_CIFAR10` names the published binary archive, `cifar-10-binary.tar.gz`, and `TRAINYARD_CIFAR10_SHA256` what it
hashes to where it is another than the published one, such as a part of it. Without an archive the images are
scikit-learn's digits, each pixel 4 x 4 pixels of 3 equal channels: as large as CIFAR-10's, and much easier to tell
apart, so that times to an accuracy on them say little about those on photographs. Results say which data it was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from trainyard_training.data.examples import Examples
    from trainyard_training.data.sources.source import Source

ARCHIVE_VARIABLE = "TRAINYARD_CIFAR10"
SHA256_VARIABLE = "TRAINYARD_CIFAR10_SHA256"
SEED = 0

_ENLARGED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Which data set to train on."""

    archive: Path | None = None
    """The published archive of CIFAR-10, or a part of it; None: digits."""
    sha256: str | None = None
    """What the archive hashes to; None: what the published one does."""

    def source(self) -> "Source":
        """The images, in memory. Raises BenchError where the archive is missing or another one."""
        from trainyard_artifacts.errors import ArtifactError
        from trainyard_training.data.examples import DataError
        from trainyard_training.data.sources.cifar10 import read_cifar10
        from trainyard_training.data.sources.digits import read_digits
        from trainyard_training.dataset_specification import Cifar10Source

        if self.archive is None:
            return _enlarged(read_digits(SEED))
        chosen = {"archive_uri": self.archive.as_uri(), **({"archive_sha256": self.sha256} if self.sha256 else {})}
        try:
            return read_cifar10(Cifar10Source.model_validate(chosen), SEED)
        except (ArtifactError, DataError, ValueError) as error:
            raise BenchError(f"{ARCHIVE_VARIABLE}, {SHA256_VARIABLE}: {error}") from None


def data_of(environment: Mapping[str, str]) -> Data:
    """What the environment's variables ask for. Raises BenchError where there is no such file or no sha256."""
    archive = environment.get(ARCHIVE_VARIABLE)
    if not archive:
        return Data()
    path = Path(archive).resolve()
    if not path.is_file():
        raise BenchError(f"{ARCHIVE_VARIABLE}: there is no file {archive}; it is cifar-10-binary.tar.gz as published")
    sha256 = environment.get(SHA256_VARIABLE) or None
    if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise BenchError(f"{SHA256_VARIABLE}: {sha256!r} is no sha256; one is 64 digits of 0-9 and a-f")
    return Data(archive=path, sha256=sha256)


def write_shards(source: "Source", folder: Path, shards: int) -> None:
    """Puts the data set into an empty folder, as the loader does."""
    from trainyard_artifacts.storage import ObjectStore
    from trainyard_training.dataset import encode_dataset

    folder.mkdir(parents=True)
    store = ObjectStore(folder.as_uri())
    for name, data in encode_dataset(source, shards):
        store.put(name, data)


def _enlarged(source: "Source") -> "Source":
    def enlarge(examples: "Examples") -> "Examples":
        larger = examples.inputs.repeat(3, axis=1).repeat(_ENLARGED, axis=2).repeat(_ENLARGED, axis=3)
        return replace(examples, inputs=larger)

    return replace(source, train=enlarge(source.train), test=enlarge(source.test))
