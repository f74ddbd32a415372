"""What a bundle says of itself: ``bundle.json``, which lists every other file, so that its signature is one of all."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import MANIFEST_NAME, ModelSignature, ObjectName, Sha256, problems_of

INDEX_FILE = "bundle.json"
SIGNATURE_FILE = "bundle.json.sig"
SUMS_FILE = "SHA256SUMS"
MODEL_CIPHERTEXT_FILE = "model.onnx.tink"
SERVICE_FILE = "service.json"
CONFIGURATION_FILE = "config.pbtxt"

NEEDED_FILES = frozenset({MANIFEST_NAME, SERVICE_FILE, CONFIGURATION_FILE, MODEL_CIPHERTEXT_FILE})
"""What is served from; the other files are for the machine's administrator."""
UNLISTED_FILES = frozenset({INDEX_FILE, SIGNATURE_FILE, SUMS_FILE})
"""Those that cannot be listed in the index."""

KeyIdentity = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Of a key, see ``bundle_keys``."""

IMAGE_PATTERN = r"^[a-z0-9][A-Za-z0-9._/:-]*@sha256:[0-9a-f]{64}$"
ImageDigest = Annotated[str, Field(pattern=IMAGE_PATTERN)]
"""An image that is named by its content."""


class BundleError(ArtifactError):
    """A bundle is incomplete, was altered, or is not signed by whom it has to be; the message names the file."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BundledFile(_Frozen):
    """One file of the bundle."""

    name: ObjectName
    bytes: int = Field(ge=0)
    sha256: Sha256


class BundleIndex(_Frozen):
    """The document ``bundle.json``. It has no time: equal bundles are told by equal indexes."""

    kind: Literal["trainyard-bundle"]
    schema_version: Literal[1]
    trainyard_version: str
    """Of the package that wrote it."""
    job: ObjectName
    run: ObjectName
    """What the model was trained by."""
    model_name: str
    """What clients call the model."""
    model: ModelSignature
    image: ImageDigest | None
    """The serving image that the compose file starts; None where it leaves that to a variable."""
    recipient: KeyIdentity
    """The key that the model is encrypted for."""
    signer: KeyIdentity
    files: tuple[BundledFile, ...]

    @field_validator("files")
    @classmethod
    def _files_are_all_there_once(cls, files: tuple[BundledFile, ...]) -> tuple[BundledFile, ...]:
        counts = Counter(file.name for file in files)
        if wrong := sorted(name for name, count in counts.items() if count > 1 or name in UNLISTED_FILES):
            raise ValueError(f"listed twice, or never to be listed: {', '.join(wrong)}")
        if lacking := sorted(NEEDED_FILES - set(counts)):
            raise ValueError(f"not listed: {', '.join(lacking)}")
        return files


def encode_index(index: BundleIndex) -> bytes:
    """The index as UTF-8 JSON, indented, keys sorted."""
    return (json.dumps(index.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_index(data: bytes, place: str) -> BundleIndex:
    """Read an index; ``place`` says in errors where it is. Raises BundleError naming all that is wrong."""
    try:
        index = BundleIndex.model_validate_json(data)
    except ValidationError as error:
        raise BundleError(f"{place} is not one that this version reads: {problems_of(error)}") from None
    if encode_index(index) != data:
        raise BundleError(f"{place} is not in the form in which indexes are written")
    return index


def checksums(files: Mapping[str, bytes]) -> bytes:
    """The text of ``SHA256SUMS`` for files by name, as ``sha256sum --check`` reads it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def encryption_context(job: str, run: str) -> bytes:
    """What the encrypted model is said to be: of another job, run or kind, it does not decrypt."""
    return f"trainyard-bundle/{job}/{run}/{MODEL_CIPHERTEXT_FILE}".encode()
