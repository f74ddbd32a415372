"""Brings what a run has published to this machine: verified by the manifest's signature and by every hash."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifecycle.deployed_model import acting_as_serving, model_of
from lifecycle.runs.errors import RunError
from lifecycle.runs.record import RunArtifact


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is on disk now, all of it verified."""

    job: str
    run: str
    manifest_uri: str
    manifest_sha256: str
    artifacts: tuple[RunArtifact, ...]
    metrics: dict[str, float]


class NotFetched(RunError):
    """Nothing could be brought, or not all of it could be verified; the text says why."""


def fetch(outputs: dict[str, Any], stack: str, folder: Path) -> Fetched:
    """Writes every artifact, verified and decrypted, and the manifest into `folder`. Raises NotFetched.

    Doing it again writes the same files again.
    """
    from engine.errors import EngineError
    from engine.stack_outputs import NothingDeployed
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.fetch import download
    from trainyard_artifacts.manifest import MANIFEST_NAME

    try:
        model = model_of(outputs, stack)
        with acting_as_serving(model):
            manifest = download(model.manifest_uri, model.origin, folder)
        found = tuple(RunArtifact(name=each.name, bytes=each.bytes, sha256=each.sha256) for each in manifest.artifacts)
        # What the disk has is what counts, not what was written.
        for each in found:
            if hashlib.sha256((folder / each.name).read_bytes()).hexdigest() != each.sha256:
                raise NotFetched(f"{folder / each.name} is not what was written to it: is the disk full or broken?")
        manifest_sha256 = hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest()
    except NotFetched:
        raise
    except NothingDeployed:
        raise NotFetched("the stack did not come up, so it names no model") from None
    except (ArtifactError, EngineError) as error:
        raise NotFetched(str(error)) from None
    except OSError as error:
        raise NotFetched(f"{folder} cannot be written: {error.strerror or error}") from None
    return Fetched(manifest.job, manifest.run, model.manifest_uri, manifest_sha256, found, dict(manifest.metrics))
