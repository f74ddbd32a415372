"""Whether what a stack has published is whole: as it lies in its bucket, or by a copy that a run has fetched."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.values import UNKNOWN, Secret
from lifecycle.runs.folder import RECORD, RunFolder, run_folder
from lifecycle.teardown import artifacts
from lifecycle.teardown.artifacts import check_artifacts, recorded_copy
from tests.lifecycle.runs.records import record
from tests.lifecycle.teardown.moto_cloud import ACCOUNT, REGION, MotoCloud
from tests.lifecycle.teardown.test_subject import make_subject
from trainyard_artifacts.envelope import SCHEME, Envelope
from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ModelSignature,
    TensorSignature,
    associated_data,
)
from trainyard_artifacts.signature import sign_manifest
from trainyard_artifacts.storage import ObjectStore

pytestmark = pytest.mark.xdist_group("moto_cloud")


@pytest.fixture
def outputs(cloud: MotoCloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The outputs of a stack that has published one artifact."""
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", REGION)
    cloud.client("s3").create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": REGION})
    key = cloud.client("kms").create_key()["KeyMetadata"]["KeyId"]
    key_uri = f"aws-kms://arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"
    store, envelope = ObjectStore("s3://models/digits/run1"), Envelope(key_uri)
    ciphertext = envelope.encrypt(b"the model", associated_data("digits", "run1", "model.onnx"))
    store.put("model.onnx.tink", ciphertext)
    digests = [hashlib.sha256(data).hexdigest() for data in (b"the model", ciphertext)]
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
        encryption=Encryption(key_uri=key_uri, scheme=SCHEME),
        artifacts=(
            Artifact(
                name="model.onnx", object="model.onnx.tink", bytes=9, sha256=digests[0], ciphertext_sha256=digests[1]
            ),
        ),
    )
    store.put("manifest.json", sign_manifest(manifest, envelope.key))
    return {
        "manifest_uri": store.uri_of("manifest.json"),
        "job": "digits",
        "run": "run1",
        "encryption_key_uri": key_uri,
    }


def test_whole_artifacts_are_verified(outputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    check = check_artifacts(make_subject(), outputs, show=shown.append)
    assert (check.verified, check.text) == (True, "1 artifacts, 9 bytes, are signed and whole")
    assert shown == []
    monkeypatch.setattr(artifacts, "_LONG_BYTES", 9)
    check_artifacts(make_subject(), outputs, show=shown.append)
    assert shown == ["verifying model.onnx, 9 bytes"]


@pytest.mark.parametrize("harm", ["altered", "missing", "unsigned", "unfinished", "unreachable"])
def test_anything_else_is_not(outputs: dict[str, Any], cloud: MotoCloud, harm: str) -> None:
    s3 = cloud.client("s3")
    if harm == "altered":
        s3.put_object(Bucket="models", Key="digits/run1/model.onnx.tink", Body=b"another")
    elif harm == "missing":
        s3.delete_object(Bucket="models", Key="digits/run1/model.onnx.tink")
    elif harm == "unsigned":
        s3.put_object(Bucket="models", Key="digits/run1/manifest.json", Body=b"{}")
    elif harm == "unfinished":
        s3.delete_object(Bucket="models", Key="digits/run1/manifest.json")
    else:
        cloud.refused.add("Decrypt")
    assert check_artifacts(make_subject(), outputs).verified is False


def test_without_the_passphrase_nobody_knows(outputs: dict[str, Any]) -> None:
    local = {**outputs, "endpoint_url": "http://127.0.0.1:1", "region": REGION, "serving_access_key_id": "AKIA"}
    check = check_artifacts(make_subject(cloud="local"), {**local, "serving_secret_access_key": Secret(UNKNOWN)})
    assert check.verified is False
    assert "PULUMI_CONFIG_PASSPHRASE" in check.text


def test_where_nothing_is_left_there_is_nothing_to_lose(outputs: dict[str, Any]) -> None:
    assert check_artifacts(make_subject(), {}).verified is None
    dead = {
        **outputs,
        "endpoint_url": "http://127.0.0.1:1",
        "region": "us-east-1",
        "serving_access_key_id": "AKIA",
        "serving_secret_access_key": "secret",
    }
    check = check_artifacts(make_subject(cloud="local"), dead)
    assert check.verified is None
    assert "in memory" in check.text
    # What does not answer elsewhere may still hold everything.
    assert check_artifacts(make_subject(cloud="local"), {"manifest_uri": "s3://models/x"}).verified is False


def test_a_copy_that_a_run_has_verified_counts_while_it_is_there(tmp_path: Path) -> None:
    uri = "s3://models/digits/run1/manifest.json"
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "model.onnx").write_bytes(b"the model")
    known = {
        "stack": "dev",
        "manifest_uri": uri,
        "artifacts_verified": True,
        "artifacts_dir": str(copy),
        "artifacts": [{"name": "model.onnx", "bytes": 9, "sha256": "ef" * 32}],
    }
    others: list[dict[str, Any]] = [
        {"artifacts_verified": False},
        {"stack": "dev-2"},
        {"manifest_uri": f"{uri}2"},
        {"artifacts_dir": ""},
        {"artifacts": []},
    ]
    for number, other in enumerate(others):
        write(tmp_path, number, **(known | other))
    damaged = write(tmp_path, 8, **known)
    (damaged.path / RECORD).write_text("{")
    assert recorded_copy(tmp_path, "dev", uri) == ""
    write(tmp_path, 9, **known)
    assert recorded_copy(tmp_path, "dev", uri) == str(copy)
    (copy / "model.onnx").write_bytes(b"half")
    assert recorded_copy(tmp_path, "dev", uri) == ""


def write(project: Path, number: int, **fields: Any) -> RunFolder:
    """Writes a run's record with some of it said otherwise."""
    folder = run_folder(project, f"20261126-12000{number}-abcd")
    folder.write(record(folder.id, **fields))
    return folder
