"""Bringing a run back: verified, decrypted, whole."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.workloads.conftest import ObjectCloud
from trainyard_artifacts.envelope import SCHEME, Envelope, KeyRefusedError
from trainyard_artifacts.fetch import IntegrityError, download, fetch_manifest, read_artifact
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
from trainyard_artifacts.storage import ObjectNotFoundError, ObjectStore

CONTENTS = {"model.onnx": b"the model", "report.json": b"{}"}


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
    store.put("manifest.json", encode_manifest(manifest))


def test_an_artifact_is_read_decrypted(store: ObjectStore) -> None:
    uri = store.uri_of("manifest.json")
    assert read_artifact(uri, fetch_manifest(uri), "model.onnx") == b"the model"


def test_a_download_holds_all_files_and_no_others(store: ObjectStore, tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "folder"
    manifest = download(store.uri_of("manifest.json"), directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        **CONTENTS,
        "manifest.json": encode_manifest(manifest),
    }
    assert download(store.uri_of("manifest.json"), directory) == manifest


def test_altered_bytes_are_refused_and_leave_no_manifest(store: ObjectStore, tmp_path: Path) -> None:
    download(store.uri_of("manifest.json"), tmp_path / "there")
    store.put("report.json.tink", store.get("report.json.tink")[:-1] + b"?")
    with pytest.raises(
        IntegrityError, match=r"report.json.tink as stored was altered: its sha256 is [0-9a-f]{64}, the"
    ):
        download(store.uri_of("manifest.json"), tmp_path / "there")
    assert not (tmp_path / "there" / "manifest.json").exists()


def test_a_run_that_has_not_finished_has_no_manifest(store: ObjectStore) -> None:
    store.delete("manifest.json")
    with pytest.raises(ObjectNotFoundError, match=r"manifest.json: there is no such object"):
        fetch_manifest(store.uri_of("manifest.json"))


def test_a_manifest_that_names_another_key_does_not_decrypt(object_cloud: ObjectCloud, store: ObjectStore) -> None:
    uri = store.uri_of("manifest.json")
    put_manifest(store, object_cloud.other_key_uri, fetch_manifest(uri).artifacts)
    with pytest.raises(KeyRefusedError):
        read_artifact(uri, fetch_manifest(uri), "model.onnx")


def test_an_unknown_encryption_scheme_is_refused(object_cloud: ObjectCloud, store: ObjectStore) -> None:
    uri = store.uri_of("manifest.json")
    put_manifest(store, object_cloud.key_uri, fetch_manifest(uri).artifacts, scheme="rot13")
    with pytest.raises(ManifestError, match="unknown encryption scheme 'rot13'"):
        read_artifact(uri, fetch_manifest(uri), "model.onnx")
