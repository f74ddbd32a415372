"""What a job's platform has to be told beside the job file: a small file of its own, or the word ``local``."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from trainyard_artifacts.specification import Specification, SpecificationError, load_specification

_S3_URI = r"^s3://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9!_.*'()=-]+)*$"
_GS_URI = r"^gs://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9!_.*'()=-]+)*$"
_MOST_SAGEMAKER_TAGS = 48


def _image_by_digest(image: str) -> str:
    name, _, digest = image.partition("@sha256:")
    if not name or len(digest) != 64 or set(digest) - set("0123456789abcdef") or set(name) & set("@ \t\n"):
        raise ValueError("expected REGISTRY/NAME@sha256:DIGEST, since what a tag names can change")
    return image


ImageByDigest = Annotated[str, Field(max_length=255), AfterValidator(_image_by_digest)]


class LocalPlatform(Specification):
    """This machine: one instance, workers as processes."""

    kind: Literal["local"] = "local"
    restarts: int = Field(default=3, ge=0, le=1000)
    """How often a job that stopped early with a checkpoint, without having been asked to, is run again."""
    grace_seconds: float = Field(default=45, gt=0, le=3600, strict=False)
    """After being asked to stop, before it is killed. The launcher gives its workers 30 s of it."""


class SageMakerPlatform(Specification):
    """Amazon SageMaker training. Limits are those of CreateTrainingJob's reference."""

    kind: Literal["sagemaker"]
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[a-zA-Z0-9+=,.@_/-]+$", max_length=2048)
    """The identity that the job has: it reads the data and the job file, and uses the encryption key."""
    image: ImageByDigest
    staging_uri: str = Field(pattern=_S3_URI, max_length=800)
    """Where the job file goes for the container to read, below the job's name; SageMaker's own output goes there, too,
    which is empty but for an archive's frame."""
    output_kms_key: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)
    """Encrypts what is at ``staging_uri``; null: the bucket's default."""
    volume_kms_key: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9:/_-]+$", max_length=2048)
    """Encrypts the instances' volumes. Must be null for instance types with disks of their own, which hardware
    encrypts."""
    subnets: tuple[str, ...] = Field(default=(), max_length=16, strict=False)
    security_group_ids: tuple[str, ...] = Field(default=(), max_length=5, strict=False)
    """With ``subnets``: the network in which the instances are reached; both or none."""
    encrypt_traffic_between_instances: bool = True
    max_wait_seconds: float | None = Field(default=None, gt=0, le=2_419_200, strict=False)
    """Of spot capacity: longest time from creation to end, waiting included; null: a day longer than the job may
    run."""
    tags: dict[str, str] = Field(default_factory=dict, max_length=_MOST_SAGEMAKER_TAGS)


class VertexPlatform(Specification):
    """Google Vertex AI custom jobs. Field names of the REST API v1, ``projects.locations.customJobs``."""

    kind: Literal["vertex"]
    project: str = Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")
    location: str = Field(pattern=r"^[a-z]+-[a-z]+\d+$")
    service_account: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.gserviceaccount\.com$")
    """The identity that the job has: it reads the data and the job file, and uses the encryption key."""
    image: ImageByDigest
    staging_uri: str = Field(pattern=_GS_URI, max_length=800)
    """Where the job file goes for the container to read, below the job's name."""
    encryption_key_name: str | None = Field(
        default=None, pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"
    )
    """Encrypts the job's disks and the job file (CMEK); null: Google's own key."""
    network: str | None = Field(default=None, pattern=r"^projects/\d+/global/networks/[a-z0-9-]+$")
    """The peered network, with the project's number; null: none."""
    boot_disk_type: Literal["pd-ssd", "pd-standard"] = "pd-ssd"
    labels: dict[str, str] = Field(default_factory=dict, max_length=60)


PlatformSpecification = LocalPlatform | SageMakerPlatform | VertexPlatform
"""Told apart by ``kind``."""

PLATFORM_KINDS: dict[str, type[LocalPlatform] | type[SageMakerPlatform] | type[VertexPlatform]] = {
    "local": LocalPlatform,
    "sagemaker": SageMakerPlatform,
    "vertex": VertexPlatform,
}


def load_platform(path: Path) -> PlatformSpecification:
    """Read and check a platform file.

    Raises:
        SpecificationError: as ``load_specification``; one line for each thing that is wrong.
    """
    try:
        document: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise SpecificationError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SpecificationError(f"{path}: is not JSON: {error}") from None
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in PLATFORM_KINDS:
        raise SpecificationError(f"{path}: kind: expected one of {', '.join(PLATFORM_KINDS)}, found {kind!r}")
    return load_specification(path, PLATFORM_KINDS[kind])
