"""What each workload may do, in the words of S3 and KMS, by which both the local platform and AWS are reached.

S3 reads and writes through SSE-KMS with the caller's permissions on the key, hence `kms:Decrypt` to read and
`kms:GenerateDataKey` to write; Tink wraps data keys with `kms:Encrypt` and unwraps them with `kms:Decrypt`.
"""

from collections.abc import Mapping

from infra.workload_grants import ENVELOPE, Grant, KeyUse, Use

_OBJECTS: Mapping[Use, tuple[str, ...]] = {
    Use.READ: ("s3:GetObject",),
    Use.WRITE: ("s3:PutObject", "s3:AbortMultipartUpload"),
    Use.REPLACE: (),
    Use.REMOVE: ("s3:DeleteObject",),
}
_KEYS: Mapping[KeyUse, str] = {KeyUse.WRAP: "kms:Encrypt", KeyUse.UNWRAP: "kms:Decrypt"}


def object_actions(grant: Grant) -> tuple[str, ...]:
    """The operations of S3 that a grant comes down to."""
    return tuple(action for use in grant.uses for action in _OBJECTS[use])


KEY_GRANTS: Mapping[str, tuple[str, ...]] = {
    "loader": ("kms:GenerateDataKey", "kms:Decrypt"),
    "training": ("kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"),
    "serving": ("kms:Decrypt",),
}
"""What each identity may do with the one key that both encrypts the buckets and wraps the keys of envelopes."""

WRAPPING: Mapping[str, tuple[str, ...]] = {
    identity: tuple(_KEYS[use] for use in uses) for identity, uses in ENVELOPE.items() if uses
}
"""What each asks of the key that wraps data keys, by itself and not through S3."""
