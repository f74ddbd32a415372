"""Bringing a run back: verified, decrypted, whole."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.envelope import SCHEME, Envelope
from trainyard_artifacts.fetch import IntegrityError, Origin, download, fetch_manifest, read_artifact
from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ManifestError,
    ModelSignature,
    TensorSignature,
    associated_data,
    encode_manifest,
)
from trainyard_artifacts.signature import SignatureError, sign_manifest
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

CONTENTS = {"model.onnx": b"the model", "report.json": b"{}"}


@pytest.fixture
def origin(object_cloud: ObjectCloud) -> Origin:
    """Where the published run is from."""
    return Origin(job="digits", run="run1", key_uri=object_cloud.key_uri)


@pytest.fixture
def store(object_cloud: ObjectCloud, tmp_path: Path) -> ObjectStore:
    """A published run."""
    store = ObjectStore(f"s3://{object_cloud.models_bucket}/{tmp_path.name}")
    envelope = Envelope(object_cloud.key_uri)
    artifacts = []
    for name, plaintext in CONTENTS.items():
        ciphertext = envelope.encrypt(plaintext, associated_data("digits", "run1", name))
        store.put(f"{name}.tink", ciphertext)
        sha256, ciphertext_sha256 = (hashlib.sha256(data).hexdigest() for data in (plaintext, ciphertext))
        artifacts.append(
            Artifact(
                name=name,
                object=f"{name}.tink",
                bytes=len(plaintext),
                sha256=sha256,
                ciphertext_sha256=ciphertext_sha256,
            )
        )
    put_manifest(store, object_cloud.key_uri, tuple(artifacts))
    return store


def put_manifest(store: ObjectStore, key_uri: str, artifacts: tuple[Artifact, ...], scheme: str = SCHEME) -> None:
    signature = TensorSignature(name="image", dtype="float32", shape=(None, 1, 8, 8))
    manifest = Manifest(
        job="digits",
        run="run1",
        created=datetime(2026, 1, 2, tzinfo=UTC),
        data=DataVersion(index_sha256="0" * 64, train_examples=10, test_examples=2, shards=1),
        code=CodeVersion(package="p", version="1", sources_sha256="1" * 64),
        frameworks={},
        metrics={},
        model=ModelSignature(input=signature, output=signature, labels=()),
        encryption=Encryption(key_uri=key_uri, scheme=scheme),
        artifacts=artifacts,
    )
    store.put("manifest.json", sign_manifest(manifest, Envelope(key_uri).key))


def test_an_artifact_is_read_decrypted(store: ObjectStore, origin: Origin) -> None:
    uri = store.uri_of("manifest.json")
    assert read_artifact(uri, fetch_manifest(uri, origin), "model.onnx") == b"the model"


def test_a_download_holds_all_files_and_no_others(store: ObjectStore, origin: Origin, tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "folder"
    manifest = download(store.uri_of("manifest.json"), origin, directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        **CONTENTS,
        "manifest.json": encode_manifest(manifest),
    }
    assert download(store.uri_of("manifest.json"), origin, directory) == manifest


def test_altered_bytes_are_refused_and_leave_no_manifest(store: ObjectStore, origin: Origin, tmp_path: Path) -> None:
    download(store.uri_of("manifest.json"), origin, tmp_path / "there")
    content = store.get("report.json.tink")
    store.put("report.json.tink", content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(
        IntegrityError, match=r"report.json.tink as stored was altered: its sha256 is [0-9a-f]{64}, the"
    ):
        download(store.uri_of("manifest.json"), origin, tmp_path / "there")
    assert not (tmp_path / "there" / "manifest.json").exists()


def test_a_run_that_has_not_finished_has_no_manifest(store: ObjectStore, origin: Origin) -> None:
    store.delete("manifest.json")
    with pytest.raises(ObjectNotFoundError, match=r"manifest.json: there is no such object"):
        fetch_manifest(store.uri_of("manifest.json"), origin)


def test_a_manifest_that_names_another_key_is_refused(
    object_cloud: ObjectCloud, store: ObjectStore, origin: Origin
) -> None:
    uri = store.uri_of("manifest.json")
    put_manifest(store, object_cloud.other_key_uri, fetch_manifest(uri, origin).artifacts)
    expected = f"{uri} is another manifest than the one asked for: its encryption key is '{object_cloud.other_key_uri}'"
    with pytest.raises(ManifestError, match=re.escape(f"{expected}, not '{object_cloud.key_uri}'")):
        fetch_manifest(uri, origin)


def test_a_whole_older_run_in_the_place_of_another_is_refused(
    store: ObjectStore, origin: Origin, tmp_path: Path
) -> None:
    other = ObjectStore(f"{store.uri}-newer")
    for name in store.list():
        other.put(name, store.get(name))
    newer = replace(origin, run="run2")
    with pytest.raises(ManifestError, match=r"its run is 'run1', not 'run2'$"):
        download(other.uri_of("manifest.json"), newer, tmp_path / "there")
    assert not (tmp_path / "there").exists()
    with pytest.raises(ManifestError, match=r"its job is 'digits', not 'letters'; its run is 'run1', not 'run2'$"):
        fetch_manifest(other.uri_of("manifest.json"), replace(newer, job="letters"))


def test_an_unsigned_or_altered_manifest_is_refused_and_nothing_is_written(
    store: ObjectStore, origin: Origin, tmp_path: Path
) -> None:
    uri = store.uri_of("manifest.json")
    stored = store.get("manifest.json")
    for content, message in (
        (encode_manifest(fetch_manifest(uri, origin)), "is not signed: it has no signature"),
        (stored.replace(b"2026-01-02", b"2027-01-02"), "was altered: its signature is not one of what it says"),
    ):
        assert content != stored
        store.put("manifest.json", content)
        with pytest.raises(SignatureError, match=message):
            fetch_manifest(uri, origin)
        with pytest.raises(SignatureError, match=message):
            download(uri, origin, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_an_unknown_encryption_scheme_is_refused(object_cloud: ObjectCloud, store: ObjectStore, origin: Origin) -> None:
    uri = store.uri_of("manifest.json")
    put_manifest(store, object_cloud.key_uri, fetch_manifest(uri, origin).artifacts, scheme="rot13")
    with pytest.raises(ManifestError, match="unknown encryption scheme 'rot13'"):
        read_artifact(uri, fetch_manifest(uri, origin), "model.onnx")
