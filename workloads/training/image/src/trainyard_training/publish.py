"""Publishing a finished run: the artifacts, encrypted, then the signed manifest that makes them count."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainyard_artifacts.envelope import SCHEME, Envelope, KeyRefusedError
from trainyard_artifacts.fetch import Origin, fetch_manifest
from trainyard_artifacts.manifest import (
    MANIFEST_NAME,
    MODEL_NAME,
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ManifestError,
    ModelSignature,
    Privacy,
    Variant,
    associated_data,
)
from trainyard_artifacts.signature import SignatureError, sign_manifest
from trainyard_artifacts.storage import AccessRefusedError, ObjectNotFoundError, ObjectStore
from trainyard_training import __version__
from trainyard_training.reporting.progress import warn
from trainyard_training.specification import TrainingSpecification

REPORT_NAME = "report.json"
LOG_NAME = "steps.jsonl"
TEST_EXAMPLES_NAME = "test_examples.npz"

_FRAMEWORKS = ("numpy", "onnx", "onnxruntime", "torch")


def published_manifest(job: TrainingSpecification) -> Manifest | None:
    """The manifest of this very run if an earlier process has finished it.

    A manifest that is damaged, of another run or key, without a valid signature, or one that this identity may not read
    or verify, counts as none, with a warning: the run goes on from its last checkpoint and publishes again.

    Raises:
        StorageError, EnvelopeError: the store or the key service does not answer.
    """
    uri = job.manifest_uri
    try:
        manifest = fetch_manifest(uri, origin_of(job))
    except ObjectNotFoundError:
        return None
    except (AccessRefusedError, KeyRefusedError, ManifestError, SignatureError) as error:
        warn(f"whether this run was published is unknown, it is published again: {error}")
        return None
    names = {artifact.name for artifact in manifest.artifacts}
    if missing := {MODEL_NAME, REPORT_NAME, TEST_EXAMPLES_NAME} - names:
        warn(f"{uri} lists no {', '.join(sorted(missing))}; the run is published again")
        return None
    return manifest


def origin_of(job: TrainingSpecification) -> Origin:
    """What the manifest of this job has to say of where it is from."""
    return Origin(job=job.job, run=job.run, key_uri=job.encryption_key_uri)


def publish(
    origin: Origin,
    models_uri: str,
    envelope: Envelope,
    artifacts: Mapping[str, bytes],
    *,
    data: DataVersion,
    metrics: Mapping[str, float],
    model: ModelSignature,
    privacy: Privacy | None = None,
    variants: Sequence[Variant] = (),
    chosen_variant: str | None = None,
) -> Manifest:
    """Encrypt and store each artifact, then the signed manifest, whose presence means that the run is complete.

    :param origin: Of which job and run, and under which key: that of ``envelope``.

    Raises:
        EnvelopeError, StorageError: the manifest was not written.
    """
    store = ObjectStore(models_uri)
    entries = tuple(_publish_one(origin, store, envelope, name, plaintext) for name, plaintext in artifacts.items())
    manifest = Manifest(
        job=origin.job,
        run=origin.run,
        created=datetime.now(UTC).replace(microsecond=0),
        data=data,
        code=code_version(),
        frameworks=framework_versions(),
        metrics=dict(metrics),
        model=model,
        encryption=Encryption(key_uri=origin.key_uri, scheme=SCHEME),
        artifacts=entries,
        privacy=privacy,
        variants=tuple(variants),
        chosen_variant=chosen_variant,
    )
    store.put(MANIFEST_NAME, sign_manifest(manifest, envelope.key))
    return manifest


def encode_report(report: Mapping[str, Any]) -> bytes:
    """The report as UTF-8 JSON, keys sorted."""
    return (json.dumps(report, indent=2, sort_keys=True) + "\n").encode()


def framework_versions() -> dict[str, str]:
    """Versions of what computed the model."""
    versions = {name: importlib.metadata.version(name) for name in _FRAMEWORKS}
    return {"python": platform.python_version(), **versions}


def code_version() -> CodeVersion:
    """This package, with one sha256 over the names and contents of all its source files."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        digest.update(source.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return CodeVersion(package="trainyard-training", version=__version__, sources_sha256=digest.hexdigest())


def _publish_one(origin: Origin, store: ObjectStore, envelope: Envelope, name: str, plaintext: bytes) -> Artifact:
    ciphertext = envelope.encrypt(plaintext, associated_data(origin.job, origin.run, name))
    ciphertext_sha256 = hashlib.sha256(ciphertext).hexdigest()
    # A name of its own: another process that publishes the same run does not overwrite what this one's manifest lists.
    stored_as = f"{name}-{ciphertext_sha256[:16]}.tink"
    store.put(stored_as, ciphertext)
    return Artifact(
        name=name,
        object=stored_as,
        bytes=len(plaintext),
        sha256=hashlib.sha256(plaintext).hexdigest(),
        ciphertext_sha256=ciphertext_sha256,
    )
