"""Bringing a finished run back: its manifest, and its artifacts verified and decrypted.

The manifest is not believed about itself: whoever fetches says which job and run it has to be of and which key it has
to name, and it has to be signed by whoever may encrypt by that key (see ``signature``). Each artifact is then checked
three times over: the stored bytes against the manifest, the envelope's authentication with job, run and name, and the
decrypted bytes against the manifest. Nothing is written to disk before all of this agrees.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trainyard_artifacts.envelope import SCHEME, Envelope
from trainyard_artifacts.errors import ArtifactError
from trainyard_artifacts.manifest import (
    MANIFEST_NAME,
    Artifact,
    Manifest,
    ManifestError,
    associated_data,
    decode_manifest,
    encode_manifest,
)
from trainyard_artifacts.signature import decode_signed_manifest, verify_manifest
from trainyard_artifacts.storage import ObjectStore, split_object_uri


class IntegrityError(ArtifactError):
    """Stored bytes are not those that the manifest lists."""


@dataclass(frozen=True)
class Origin:
    """What a manifest has to say of where it is from, known from elsewhere than the place where it is stored."""

    job: str
    run: str
    key_uri: str
    """The key-encryption key of its artifacts."""


def fetch_manifest(manifest_uri: str, origin: Origin) -> Manifest:
    """Read and verify the manifest at ``manifest_uri``, which has to be of ``origin``.

    Raises:
        StorageError: it cannot be read; ``ObjectNotFoundError`` where the run has not finished.
        ManifestError: it is not a manifest of a known version, or names another job, run or key.
        SignatureError: it is not signed, was altered, or is signed by another key than one for this run.
        KeyRefusedError: this identity may not use the key, by which the signature is verified.
        EnvelopeError: the key service does not answer.
    """
    return _fetch_manifest(manifest_uri, origin, Envelope(origin.key_uri))


def read_artifact(manifest_uri: str, manifest: Manifest, name: str) -> bytes:
    """The verified, decrypted bytes of one artifact of the manifest that was fetched from ``manifest_uri``.

    Raises:
        StorageError: the object cannot be read.
        IntegrityError: the object's bytes are not those listed.
        EnvelopeError: KMS refuses, or the ciphertext is not that of this job, run and name.
        ManifestError: no such artifact, or an encryption scheme that this version does not know.
    """
    store_uri, _ = split_object_uri(manifest_uri)
    _require_known_scheme(manifest)
    envelope = Envelope(manifest.encryption.key_uri)
    return _read(ObjectStore(store_uri), envelope, manifest, manifest.artifact(name))


def download(manifest_uri: str, origin: Origin, directory: Path) -> Manifest:
    """Write every artifact, verified and decrypted, and ``manifest.json`` into ``directory``, which is made if need be.

    Each file appears whole or not at all; the manifest is written last, so its presence means that all are there.

    Raises:
        ArtifactError: as ``fetch_manifest`` and ``read_artifact``.
        OSError: the directory cannot be written.
    """
    envelope = Envelope(origin.key_uri)
    manifest = _fetch_manifest(manifest_uri, origin, envelope)
    _require_known_scheme(manifest)
    store_uri, _ = split_object_uri(manifest_uri)
    store = ObjectStore(store_uri)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    for artifact in manifest.artifacts:
        write_atomically(directory / artifact.name, _read(store, envelope, manifest, artifact))
    write_atomically(directory / MANIFEST_NAME, encode_manifest(manifest))
    return manifest


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, readable by its owner only.

    Raises:
        OSError: the directory cannot be written; nothing is left behind.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _fetch_manifest(manifest_uri: str, origin: Origin, envelope: Envelope) -> Manifest:
    store_uri, name = split_object_uri(manifest_uri)
    signed = decode_signed_manifest(ObjectStore(store_uri).get(name), manifest_uri)
    manifest = decode_manifest(signed.manifest.encode(), manifest_uri)
    # Compared before it is verified: what is refused either way is told by what it says of itself.
    compared = (
        ("job", manifest.job, origin.job),
        ("run", manifest.run, origin.run),
        ("encryption key", manifest.encryption.key_uri, origin.key_uri),
    )
    if differences := [f"its {what} is {found!r}, not {due!r}" for what, found, due in compared if found != due]:
        raise ManifestError(f"{manifest_uri} is another manifest than the one asked for: {'; '.join(differences)}")
    verify_manifest(signed, envelope.key, job=origin.job, run=origin.run, uri=manifest_uri)
    return manifest


def _require_known_scheme(manifest: Manifest) -> None:
    if manifest.encryption.scheme != SCHEME:
        raise ManifestError(f"unknown encryption scheme {manifest.encryption.scheme!r}; this version knows {SCHEME!r}")


def _read(store: ObjectStore, envelope: Envelope, manifest: Manifest, artifact: Artifact) -> bytes:
    uri = store.uri_of(artifact.object)
    ciphertext = store.get(artifact.object)
    _verify(ciphertext, artifact.ciphertext_sha256, f"{uri} as stored")
    plaintext = envelope.decrypt(ciphertext, associated_data(manifest.job, manifest.run, artifact.name))
    _verify(plaintext, artifact.sha256, f"{uri} decrypted")
    return plaintext


def _verify(data: bytes, expected: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise IntegrityError(f"{what} was altered: its sha256 is {found}, the manifest lists {expected}")
