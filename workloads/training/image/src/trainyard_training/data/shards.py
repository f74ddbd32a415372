"""The dataset in its bucket: shards of examples, and an index that says how many there are and what each one hashes to.

The loader writes them, training reads them; nothing is believed that the index does not confirm.
"""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainyard_artifacts.manifest import ObjectName, Sha256
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore
from trainyard_training.data.examples import DataError, Examples, decode_examples

INDEX_NAME = "index.json"


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

    schema_version: Literal[2] = 2
    source: str
    """What the examples are and where they come from."""
    input_shape: tuple[int, ...] = Field(min_length=1)
    """Of one example: (channels, height, width), or (features,)."""
    largest_value: int | None = Field(default=None, ge=1, le=255)
    """Values are whole numbers from 0 to this; null: any number, of the order of 1."""
    labels: tuple[str, ...]
    train: tuple[Shard, ...] = Field(min_length=1)
    test: tuple[Shard, ...] = Field(min_length=1)


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
    if len(examples) != shard.examples or examples.inputs.shape[1:] != index.input_shape:
        raise DataError(
            f"shard {uri} holds inputs of shape {examples.inputs.shape}, the index lists {shard.examples} of shape"
            f" {index.input_shape}"
        )
    if int(examples.labels.max()) >= len(index.labels):
        raise DataError(f"shard {uri} has a label {examples.labels.max()}, the index knows {len(index.labels)} labels")
    return examples
