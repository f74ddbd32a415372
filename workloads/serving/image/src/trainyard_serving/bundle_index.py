"""What a bundle says of itself: ``bundle.json``, which lists every other file, so that its signature is one of all."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import ModelSignature, ObjectName, Sha256, problems_of
from trainyard_serving.release import Release, Releases

INDEX_FILE = "bundle.json"
SIGNATURE_FILE = "bundle.json.sig"
SUMS_FILE = "SHA256SUMS"
SERVICE_FILE = "service.json"
CONFIGURATION_FILE = "config.pbtxt"

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
    schema_version: Literal[2]
    trainyard_version: str
    """Of the package that wrote it."""
    job: ObjectName
    """What has trained the models."""
    releases: Releases
    """The runs whose models are served, and by what shares, as the specification of a service has them."""
    model_name: str
    """What clients call the model."""
    model: ModelSignature
    """What each release takes and answers."""
    image: ImageDigest | None
    """The serving image that the compose file starts; None where it leaves that to a variable."""
    recipient: KeyIdentity
    """The key that the models are encrypted for."""
    signer: KeyIdentity
    files: tuple[BundledFile, ...]

    @field_validator("files")
    @classmethod
    def _files_are_there_once(cls, files: tuple[BundledFile, ...]) -> tuple[BundledFile, ...]:
        counts = Counter(file.name for file in files)
        if wrong := sorted(name for name, count in counts.items() if count > 1 or name in UNLISTED_FILES):
            raise ValueError(f"listed twice, or never to be listed: {', '.join(wrong)}")
        return files

    @model_validator(mode="after")
    def _files_are_all_there(self) -> Self:
        if lacking := sorted(needed_files(self.releases) - {file.name for file in self.files}):
            raise ValueError(f"not listed: {', '.join(lacking)}")
        return self


def manifest_file(release: Release) -> str:
    """The name of the file with the manifest of a release's run."""
    return f"manifest-{release.version}.json"


def ciphertext_file(release: Release) -> str:
    """The name of the file with a release's model, encrypted."""
    return f"model-{release.version}.onnx.tink"


def needed_files(releases: Iterable[Release]) -> frozenset[str]:
    """What is served from; the other files are for the machine's administrator."""
    names = (name for release in releases for name in (manifest_file(release), ciphertext_file(release)))
    return frozenset({SERVICE_FILE, CONFIGURATION_FILE, *names})


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


def encryption_context(job: str, run: str, artifact: str) -> bytes:
    """What an encrypted model is said to be: as another artifact, or one of another run, it does not decrypt."""
    return f"trainyard-bundle/{job}/{run}/{artifact}".encode()
