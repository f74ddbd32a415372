"""What the loader is asked to do: ``DATASET.json``."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainyard_artifacts.manifest import Sha256
from trainyard_artifacts.specification import Specification
from trainyard_training.store_uri import ObjectUri, StoreUri

CIFAR10_FOLDER = "cifar-10-batches-bin"
"""What the published archive calls the folder in it."""

_PUBLISHED_CIFAR10 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"


class Cifar10Source(Specification):
    """Where the published archive of CIFAR-10 lies."""

    archive_uri: ObjectUri
    """Of ``cifar-10-binary.tar.gz``, or of the folder that it unpacks to, whose name has to be
    ``cifar-10-batches-bin``: ``s3://``, ``gs://`` or ``file:///``."""
    archive_sha256: Sha256 = _PUBLISHED_CIFAR10
    """What the archive's bytes hash to, 64 hexadecimal digits in small letters; by default what the published ones do.
    Left out for a folder, each of whose files is compared to the published one."""

    @property
    def is_unpacked(self) -> bool:
        """Whether it is the folder with the archive's files that was named, which has the archive's name for it."""
        return self.archive_uri.endswith(f"/{CIFAR10_FOLDER}")

    @model_validator(mode="after")
    def _files_are_the_published_ones(self) -> Self:
        if self.is_unpacked and self.archive_sha256 != _PUBLISHED_CIFAR10:
            raise ValueError(
                "archive_sha256 must be left out where archive_uri is the unpacked folder, whose files have to be the"
                " published ones"
            )
        return self


class BinarySource(Specification):
    """How many rows of the binary task to make up."""

    train_examples: int = Field(default=8192, ge=2, le=10_000_000)
    """Rows of the training split."""
    test_examples: int = Field(default=2048, ge=2, le=1_000_000)
    """Rows of the test split."""
    features: int = Field(default=1000, ge=1, le=100_000)
    """Numbers in each row."""


class DatasetSpecification(Specification):
    """What the loader puts where."""

    datasets_uri: StoreUri
    """Where the shards and their index are written, the job file's ``datasets_uri``: ``s3://BUCKET/PREFIX``,
    ``gs://BUCKET/PREFIX`` or ``file:///DIRECTORY``, without a ``/`` at the end."""
    shards: int = Field(ge=1, le=4096)
    """Training shards, and as many test shards. As many workers, or a divisor of it, can train on them."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides which examples are the test split, where the source does not, and which shard each one is in."""
    source: Literal["digits", "cifar10", "binary"] = "digits"
    """``digits``: 1,797 images of 8 x 8 grey pixels that come with scikit-learn. ``cifar10``: 60,000 colour images of
    32 x 32 pixels, from their published archive. ``binary``: rows of numbers in two classes, which are made up."""
    cifar10: Cifar10Source | None = None
    """Of ``cifar10``, which needs it."""
    binary: BinarySource | None = None
    """Of ``binary``, which has defaults."""

    @model_validator(mode="after")
    def _group_is_of_the_source(self) -> Self:
        problems = [
            f"{name} must be left out where source is {self.source!r}"
            for name in ("cifar10", "binary")
            if name != self.source and getattr(self, name) is not None
        ]
        if self.source == "cifar10" and self.cifar10 is None:
            problems.append("cifar10 must say where the archive lies (archive_uri) where source is 'cifar10'")
        if problems:
            raise ValueError("; ".join(problems))
        return self
