"""Specification files, by which a platform tells a workload what to do: read and checked before anything is touched."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from trainyard_artifacts.key_uri import is_key_uri


class SpecificationError(Exception):
    """The specification file cannot be used; the message has one line for each thing that is wrong."""


class Specification(BaseModel):
    """A specification's base: frozen, with neither unknown fields nor values of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _key_uri(uri: str) -> str:
    if not is_key_uri(uri):
        raise ValueError("expected aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID or gcp-kms://projects/...")
    return uri


KeyUri = Annotated[str, AfterValidator(_key_uri)]
"""A key-encryption key that ``Envelope`` takes."""

_AnySpecification = TypeVar("_AnySpecification", bound=Specification)


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
