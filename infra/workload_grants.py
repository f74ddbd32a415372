"""What each workload may do, whatever the cloud's way of saying it: the platform's security decisions, as data.

How a cloud says it: `infra.s3_grants` for AWS and the local platform, `infra.gcp.workload_roles` for Google Cloud.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Use(enum.StrEnum):
    """What is done with objects."""

    READ = "read"
    """Read them, and list what is there."""
    WRITE = "write"
    """Make new ones, in parts where they are large."""
    REPLACE = "replace"
    """Write anew what is there already. S3 does not tell it from writing."""
    REMOVE = "remove"


class KeyUse(enum.StrEnum):
    """What is done with the key that wraps the keys of envelope encryption."""

    WRAP = "wrap"
    UNWRAP = "unwrap"


@dataclass(frozen=True)
class Grant:
    """What may be done with the objects of one bucket."""

    bucket: str
    """The bucket's purpose."""
    uses: tuple[Use, ...]
    objects: str = "*"
    """Which objects below the workload's prefix: all, or those that end so."""


GRANTS: Mapping[str, tuple[Grant, ...]] = {
    "loader": (Grant("datasets", (Use.READ, Use.WRITE, Use.REPLACE)),),
    "training": (
        Grant("datasets", (Use.READ,)),
        Grant("checkpoints", (Use.READ, Use.WRITE, Use.REPLACE, Use.REMOVE)),
        # What is published has a name of its own and is never written twice.
        Grant("models", (Use.WRITE,)),
        # Whether a run is published already is told by its manifest, which is not secret; the models are. One that is
        # damaged is written again.
        Grant("models", (Use.READ, Use.REPLACE), "*/manifest.json"),
    ),
    "serving": (Grant("models", (Use.READ,)),),
}
"""What each identity may do with objects."""

ENVELOPE: Mapping[str, tuple[KeyUse, ...]] = {
    "loader": (),
    "training": (KeyUse.WRAP, KeyUse.UNWRAP),
    "serving": (KeyUse.UNWRAP,),
}
"""What each identity may do with the key of envelope encryption. The loader's data sets have no envelope."""
