"""Helpers of the local platform's tests."""

import shutil
from pathlib import Path
from typing import Any

from infra.local import process
from infra.local.folder import leftovers
from infra.local.storage import BucketProvider

TAGS = {"project": "trainyard", "stack": "test", "owner": "tests", "cost_centre": "none"}


def connection_to(cloud: dict[str, Any]) -> dict[str, Any]:
    names = ("endpoint", "region", "instance", "access_key_id", "secret_access_key")
    return {**{name: cloud[name] for name in names}}


def make_bucket(connection: dict[str, Any], name: str, key_arn: str) -> dict[str, Any]:
    made = BucketProvider().create({**connection, "bucket": name, "key_arn": key_arn, "tags": TAGS})
    return made.outs or {}


def remove_stack_folder(folder: Path) -> None:
    """Ends and removes whatever a test that failed half-way has left."""
    process.stop(folder)
    outside = Path(process.temporary_prefix(folder))
    for left in outside.parent.glob(f"{outside.name}*"):
        shutil.rmtree(left)


def nothing_left(folder: Path) -> bool:
    return list(leftovers(folder)) == []
