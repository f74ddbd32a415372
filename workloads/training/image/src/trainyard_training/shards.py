"""The dataset in its bucket: shards of images, and an index that says how many there are and what each one hashes to.

The loader writes them, training reads them; nothing is believed that the index does not confirm.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainyard_artifacts.manifest import ObjectName, Sha256
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

INDEX_NAME = "index.json"


class DataError(Exception):
    """The stored dataset is not as its index says, or not fit for this run. The message names the object."""


@dataclass(frozen=True)
class Examples:
    """Images with their labels, in the order in which they are stored."""

    images: NDArray[np.uint8]
    """Shape (count, height, width)."""
    labels: NDArray[np.uint8]
    """Shape (count,); positions in the index's ``labels``."""

    def __len__(self) -> int:
        return len(self.labels)


class Shard(BaseModel):
    """One object with examples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ObjectName
    examples: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256


class DatasetIndex(BaseModel):
    """Written last by the loader: its presence means that every shard is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    source: str
    """What the images are and where they come from."""
    image_shape: tuple[int, int]
    """Height and width in pixels."""
    largest_pixel: int = Field(ge=1, le=255)
    """Pixels are from 0 to this."""
    labels: tuple[str, ...]
    train: tuple[Shard, ...] = Field(min_length=1)
    test: tuple[Shard, ...] = Field(min_length=1)


def encode_examples(examples: Examples) -> bytes:
    """As an uncompressed .npz; equal examples are equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, images=examples.images, labels=examples.labels)
    return buffer.getvalue()


def decode_examples(data: bytes, what: str) -> Examples:
    """Read an .npz; ``what`` names it in errors.

    Raises:
        DataError: it holds anything but uint8 images with as many uint8 labels.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{what} is not a shard of images: {error}") from None
    if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DataError(f"{what} holds images {images.dtype}{images.shape} and labels {labels.dtype}{labels.shape}")
    return Examples(images=images, labels=labels)


def describe_shard(name: str, examples: Examples, data: bytes) -> Shard:
    """The index's entry for a shard whose encoded bytes are ``data``."""
    return Shard(name=name, examples=len(examples), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def encode_index(index: DatasetIndex) -> bytes:
    """As UTF-8 JSON; equal indexes are equal bytes."""
    return (index.model_dump_json(indent=2) + "\n").encode()


def read_index(store: ObjectStore) -> tuple[DatasetIndex, str]:
    """The index, and the sha256 of its bytes, which versions the whole dataset.

    Raises:
        DataError: there is none, or it is not an index.
        StorageError: the store cannot be read.
    """
    uri = store.uri_of(INDEX_NAME)
    try:
        data = store.get(INDEX_NAME)
    except ObjectNotFoundError:
        raise DataError(f"there is no dataset at {store.uri}: {INDEX_NAME} is missing; run the loader first") from None
    try:
        index = DatasetIndex.model_validate_json(data)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise DataError(f"{uri} is not an index of shards: {problems}") from None
    return index, hashlib.sha256(data).hexdigest()


def read_shard(store: ObjectStore, index: DatasetIndex, shard: Shard) -> Examples:
    """One shard, verified against the index.

    Raises:
        DataError: it is missing, truncated, altered or not what the index describes.
        StorageError: the store cannot be read.
    """
    uri = store.uri_of(shard.name)
    try:
        data = store.get(shard.name)
    except ObjectNotFoundError:
        raise DataError(f"shard {uri} is missing, though the index lists it; run the loader again") from None
    if len(data) != shard.bytes:
        raise DataError(f"shard {uri} has {len(data)} bytes where the index lists {shard.bytes}; run the loader again")
    found = hashlib.sha256(data).hexdigest()
    if found != shard.sha256:
        raise DataError(
            f"shard {uri} was altered: sha256 {found}, the index lists {shard.sha256}; run the loader again"
        )
    examples = decode_examples(data, f"shard {uri}")
    if len(examples) != shard.examples or examples.images.shape[1:] != index.image_shape:
        raise DataError(f"shard {uri} holds {examples.images.shape} images, the index lists {shard.examples}")
    if int(examples.labels.max()) >= len(index.labels):
        raise DataError(f"shard {uri} has a label {examples.labels.max()}, the index knows {len(index.labels)} labels")
    return examples
