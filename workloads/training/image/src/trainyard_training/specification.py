"""What a run is asked to do: the two specification files, read and checked before anything is touched."""

import re
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainyard_artifacts.envelope import is_key_uri
from trainyard_artifacts.manifest import ObjectName

_STORE_URI = re.compile(r"^((s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]+(/[^/]+)*|file://(/[^/]+)+)$")


class SpecificationError(Exception):
    """The specification file cannot be used; the message has one line for each thing that is wrong."""


def _store_uri(uri: str) -> str:
    if not _STORE_URI.match(uri):
        raise ValueError("expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///DIRECTORY, without a / at the end")
    return uri


def _key_uri(uri: str) -> str:
    if not is_key_uri(uri):
        raise ValueError("expected aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID or gcp-kms://projects/...")
    return uri


StoreUri = Annotated[str, AfterValidator(_store_uri)]
KeyUri = Annotated[str, AfterValidator(_key_uri)]


class _Specification(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DatasetSpecification(_Specification):
    """What the loader puts where."""

    datasets_uri: StoreUri
    shards: int = Field(ge=1, le=64)
    """Training shards. As many workers, or a divisor of it, can train on them."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides which images are the test split and which shard each training image is in."""


class TrainingSpecification(_Specification):
    """What one run trains on, how, and where it leaves what."""

    job: ObjectName
    run: ObjectName
    """Identifies this run among the job's; the same specification resumes the same run."""
    datasets_uri: StoreUri
    checkpoints_uri: StoreUri
    models_uri: StoreUri
    encryption_key_uri: KeyUri
    """The key-encryption key for checkpoints and model."""
    seed: int = Field(ge=0, lt=2**32)
    """Decides initial weights, order of images and augmentation."""
    epochs: int = Field(ge=1, le=10_000)
    global_batch_size: int = Field(ge=1, le=65_536)
    """Images a step over all workers; a multiple of the number of shards."""
    learning_rate: float = Field(gt=0, le=1, strict=False)
    """The peak of the one-cycle schedule."""
    checkpoint_every_steps: int = Field(ge=1)
    keep_checkpoints: int = Field(ge=1, le=1000)
    """So many newest checkpoints are kept, older ones deleted."""
    max_runtime_seconds: float = Field(gt=0, strict=False)
    """After so long, measured from the worker's start, training stops with a checkpoint."""
    target_accuracy: float = Field(ge=0, le=1, strict=False)
    """Share of the test split. A model below it is not published."""

    @model_validator(mode="after")
    def _places_differ(self) -> Self:
        if self.checkpoints_uri == self.models_uri:
            raise ValueError("checkpoints_uri and models_uri must differ: only one of them is for serving to read")
        return self


_AnySpecification = TypeVar("_AnySpecification", bound=_Specification)


def load_specification(path: Path, kind: type[_AnySpecification]) -> _AnySpecification:
    """Read and check a specification file.

    Raises:
        SpecificationError: the file cannot be read, is not JSON, or has fields missing, unknown or out of range. All
            that is wrong is told at once, each with the value found.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SpecificationError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        problems = [_problem(each["loc"], each["msg"], each["input"], each["type"]) for each in error.errors()]
        raise SpecificationError("\n".join(f"{path}: {problem}" for problem in problems)) from None


def _problem(location: tuple[int | str, ...], message: str, value: object, kind: str) -> str:
    field = ".".join(map(str, location))
    message = message.removeprefix("Value error, ")
    if kind == "json_invalid" or not field:
        return message
    if kind == "missing":
        return f"{field}: is missing"
    if kind == "extra_forbidden":
        return f"{field}: is not a known field"
    return f"{field}: {message[0].lower()}{message[1:]}, found {value!r}"
