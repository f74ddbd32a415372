"""What each workload may do, whatever the cloud's way of saying it: the platform's security decisions, as data.

Operations are those of S3 and KMS, by which both the local platform and AWS are reached. S3 reads and writes through
SSE-KMS with the caller's permissions on the key, hence `kms:Decrypt` to read and `kms:GenerateDataKey` to write; Tink
wraps data keys with `kms:Encrypt` and unwraps them with `kms:Decrypt`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """Operations on the objects of one bucket."""

    bucket: str
    """The bucket's purpose."""
    actions: tuple[str, ...]
    objects: str = "*"
    """Which objects below the workload's prefix."""


READ = ("s3:GetObject",)
WRITE = ("s3:PutObject", "s3:AbortMultipartUpload")
REMOVE = ("s3:DeleteObject",)

GRANTS: Mapping[str, tuple[Grant, ...]] = {
    "loader": (Grant("datasets", (*READ, *WRITE)),),
    "training": (
        Grant("datasets", READ),
        Grant("checkpoints", (*READ, *WRITE, *REMOVE)),
        Grant("models", WRITE),
        # Whether a run is published already is told by its manifest, which is not secret; the models are.
        Grant("models", READ, "*/manifest.json"),
    ),
    "serving": (Grant("models", READ),),
}
"""What each identity may do with objects."""

KEY_GRANTS: Mapping[str, tuple[str, ...]] = {
    "loader": ("kms:GenerateDataKey", "kms:Decrypt"),
    "training": ("kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"),
    "serving": ("kms:Decrypt",),
}
"""What each identity may do with the encryption key."""
