"""Whether what a stack has published is whole, as it lies in its bucket: the manifest's signature, and each hash."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import EngineError
from engine.values import Properties
from lifecycle.deployed_model import DeployedModel, acting_as_serving, model_of
from lifecycle.teardown.subject import Subject

_SECONDS_TO_ANSWER = 2.0
_LONG_BYTES = 32 * 1024 * 1024
"""What takes some seconds to bring over an office's connection."""


@dataclass(frozen=True, slots=True)
class ArtifactsCheck:
    """What became of a look at a stack's artifacts."""

    verified: bool | None
    """None: nothing is left to look at; what held them is gone, or nothing was ever published."""
    text: str
    """For a person."""


def check_artifacts(
    subject: Subject, outputs: Properties, *, show: Callable[[str], None] = lambda _: None
) -> ArtifactsCheck:
    """Reads every artifact that the stack's outputs lead to, and verifies it; writes nothing.

    :param show: Told of each large artifact before it is read.
    """
    from trainyard_artifacts.errors import ArtifactError
    from trainyard_artifacts.fetch import fetch_manifest, read_artifact
    from trainyard_artifacts.storage import ObjectNotFoundError

    if "manifest_uri" not in outputs:
        return ArtifactsCheck(None, "the stack has published nothing")
    try:
        model = model_of(outputs, subject.stack)
    except EngineError as error:
        return ArtifactsCheck(False, f"the artifacts cannot be reached: {error}")
    if subject.cloud == "local" and not _answers(model):
        return ArtifactsCheck(
            None, "the cloud on this machine has ended, and with it everything that it held in memory: nothing to lose"
        )
    try:
        with acting_as_serving(model):
            manifest = fetch_manifest(model.manifest_uri, model.origin)
            for artifact in manifest.artifacts:
                if artifact.bytes >= _LONG_BYTES:
                    show(f"verifying {artifact.name}, {artifact.bytes:,} bytes")
                read_artifact(model.manifest_uri, manifest, artifact.name)
    except ObjectNotFoundError:
        return ArtifactsCheck(False, f"{model.manifest_uri} does not exist: the training has not finished")
    except ArtifactError as error:
        return ArtifactsCheck(False, f"the artifacts cannot be verified: {error}")
    size = sum(each.bytes for each in manifest.artifacts)
    return ArtifactsCheck(True, f"{len(manifest.artifacts)} artifacts, {size:,} bytes, are signed and whole")


def recorded_copy(directory: Path, stack: str, manifest_uri: str) -> str:
    """Where a run has put a verified copy of the artifacts of a manifest; empty: nowhere that still has all of them."""
    from lifecycle.runs.folder import list_runs

    for folder in list_runs(directory):
        try:
            record = folder.read()
        except EngineError:
            # One that cannot be read tells of no copy.
            continue
        if record.stack != stack or record.manifest_uri != manifest_uri:
            continue
        sizes = {Path(record.artifacts_dir) / each.name: each.bytes for each in record.artifacts}
        if record.artifacts_verified and sizes and all(_has_size(path, size) for path, size in sizes.items()):
            return record.artifacts_dir
    return ""


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _answers(model: DeployedModel) -> bool:
    """Whether anything listens where the cloud on this machine does."""
    import socket

    address = urlsplit(model.environment["AWS_ENDPOINT_URL"])
    try:
        with socket.create_connection((address.hostname or "", address.port or 80), _SECONDS_TO_ANSWER):
            return True
    except OSError:
        return False
