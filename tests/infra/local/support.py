"""Helpers of the local platform's tests."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local import process
from infra.local.folder import leftovers
from infra.local.storage import BucketProvider

ROOT = Path(__file__).parents[3]
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


def deploy_and_kill(provider: str, props: dict[str, Any], until: Callable[[], bool]) -> None:
    """Creates in a process of its own, which is killed as soon as a condition holds.

    :param provider: `MODULE.CLASS`.
    """
    source = (
        f"from infra.local import cluster, services; import json, sys; {provider}().create(json.loads(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", source, json.dumps(props)], cwd=ROOT) as deployment:
        try:
            ends = time.monotonic() + 30
            while not until():
                assert deployment.poll() is None
                assert time.monotonic() < ends
                time.sleep(0.01)
        finally:
            deployment.kill()
