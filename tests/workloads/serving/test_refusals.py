"""What cannot be served: one clear error, its own exit code, no server, and nothing decrypted on disk."""

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.process import free_port
from tests.workloads.serving.service_process import (
    SIGNATURE,
    files_with_the_model,
    publish,
    release,
    run_to_its_end,
    service_document,
    service_environment,
    wait_for,
)
from trainyard_artifacts.envelope import SCHEME
from trainyard_artifacts.manifest import Encryption, TensorSignature
from trainyard_serving.exit_status import ExitStatus


@pytest.fixture
def refused(tmp_path: Path, triton_environment: Path, object_cloud: Any) -> Callable[..., str]:
    """Run a service that must be refused: checks its exit code and that nothing is left, and returns its output."""

    def run(
        expected: ExitStatus, manifest_uri: str, *, environment: dict[str, str] | None = None, **changes: Any
    ) -> str:
        variables = service_environment(environment or object_cloud.environment, triton_environment)
        document = service_document(manifest_uri, object_cloud.key_uri, **{"work_dir": tmp_path / "work"} | changes)
        exit_code, output = run_to_its_end(document, tmp_path, variables)
        assert exit_code == expected, output
        assert len([line for line in output.splitlines() if line.startswith("error: ")]) == 1, output
        assert "Traceback" not in output
        assert variables.get("AWS_SECRET_ACCESS_KEY", "the-secret") not in output
        assert files_with_the_model(tmp_path) == []
        assert not (tmp_path / "work").exists()
        return output

    return run


@pytest.fixture
def models_uri(object_cloud: Any, request: pytest.FixtureRequest) -> str:
    return f"s3://{object_cloud.models_bucket}/{request.node.name}/{os.getpid()}"


def alter(object_cloud: Any, models_uri: str, name: str, position: int) -> None:
    key = f"{models_uri.split('/', 3)[3]}/{name}"
    client = object_cloud.client("s3")
    data = bytearray(client.get_object(Bucket=object_cloud.models_bucket, Key=key)["Body"].read())
    data[position] ^= 1
    client.put_object(Bucket=object_cloud.models_bucket, Key=key, Body=bytes(data))


def test_a_model_altered_by_one_byte(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    alter(object_cloud, models_uri, "model.onnx.tink", -1)
    assert "model.onnx.tink as stored was altered" in refused(ExitStatus.BAD_MODEL, uri)


def test_another_key_than_the_manifests(object_cloud: Any, models_uri: str, refused: Any) -> None:
    other = object_cloud.other_key_uri
    uri = publish(models_uri, object_cloud.key_uri, encryption=Encryption(key_uri=other, scheme=SCHEME))
    output = refused(ExitStatus.BAD_MODEL, uri)
    assert f"its encryption key is '{other}', not '{object_cloud.key_uri}'" in output


def test_a_key_that_did_not_encrypt_the_model(object_cloud: Any, models_uri: str, refused: Any) -> None:
    other = object_cloud.other_key_uri
    uri = publish(models_uri, object_cloud.key_uri, encryption=Encryption(key_uri=other, scheme=SCHEME))
    assert other in refused(ExitStatus.ACCESS_REFUSED, uri, encryption_key_uri=other)


def test_a_manifest_of_another_run(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri, run="ba9876543210")
    output = refused(ExitStatus.BAD_MODEL, uri)
    assert f"{uri} is another manifest than the one asked for: its run is 'ba9876543210'" in output


def test_a_whole_run_in_the_place_of_another(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    assert "its run is '0123456789ab', not 'ba9876543210'" in refused(ExitStatus.BAD_MODEL, uri, run="ba9876543210")


def test_a_missing_manifest(models_uri: str, refused: Any) -> None:
    uri = f"{models_uri}/manifest.json"
    assert uri in refused(ExitStatus.NOT_PUBLISHED, uri)


def test_a_manifest_that_is_none(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    alter(object_cloud, models_uri, "manifest.json", 0)
    assert "is not JSON" in refused(ExitStatus.BAD_MODEL, uri)


def test_a_model_whose_type_cannot_be_passed_on(object_cloud: Any, models_uri: str, refused: Any) -> None:
    text = TensorSignature(name="image", dtype="object", shape=(None, 1))
    uri = publish(models_uri, object_cloud.key_uri, signature=SIGNATURE.model_copy(update={"input": text}))
    output = refused(ExitStatus.BAD_MODEL, uri)
    assert "tensor 'image' has dtype 'object'" in output


def test_a_model_that_is_not_what_its_manifest_says(object_cloud: Any, models_uri: str, refused: Any) -> None:
    other = SIGNATURE.model_copy(
        update={
            "input": TensorSignature(name="image", dtype="uint8", shape=(None, 1, 9, 8)),
            "output": TensorSignature(name="scores", dtype="float32", shape=(None, 10)),
        }
    )
    output = refused(ExitStatus.BAD_MODEL, publish(models_uri, object_cloud.key_uri, signature=other))
    assert (
        "error: model.onnx is not what its manifest says: input 'image' is float32 [-1, 1, 8, 8], the manifest says"
        " uint8 [-1, 1, 9, 8]; its outputs are 'logits', the manifest has 'scores'\n"
    ) in output


def test_a_file_that_is_no_model(object_cloud: Any, models_uri: str, refused: Any) -> None:
    output = refused(ExitStatus.BAD_MODEL, publish(models_uri, object_cloud.key_uri, model=b"no model"))
    assert "error: ONNX Runtime cannot load model.onnx: " in output


def test_a_variant_that_the_run_has_not_published(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    releases = [release(uri, variant="int8")]
    assert (
        "error: the manifest of digits/0123456789ab lists no variant 'int8'; published are: none, beside the model that"
        " it has chosen\n"
    ) in refused(ExitStatus.NOT_PUBLISHED, uri, releases=releases)


def test_a_store_that_does_not_answer(object_cloud: Any, models_uri: str, refused: Any) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"
    output = refused(
        ExitStatus.UNAVAILABLE, uri, environment={**object_cloud.environment, "AWS_ENDPOINT_URL": endpoint}
    )
    assert endpoint in output


def test_ports_in_use_are_all_named_and_nothing_is_fetched(models_uri: str, refused: Any) -> None:
    # That there is no such manifest would be the error if anything were fetched.
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        http, metrics = first.getsockname()[1], second.getsockname()[1]
        output = refused(ExitStatus.PORT_IN_USE, f"{models_uri}/manifest.json", http_port=http, metrics_port=metrics)
    assert f"http_port {http} cannot be listened on at 127.0.0.1: address already in use" in output
    assert f"metrics_port {metrics} cannot" in output
    assert "fetching" not in output


def test_a_working_directory_that_cannot_be_made(
    object_cloud: Any, models_uri: str, refused: Any, tmp_path: Path
) -> None:
    uri = publish(models_uri, object_cloud.key_uri)
    (tmp_path / "file").touch()
    output = refused(ExitStatus.CANNOT_WRITE, uri, work_dir=str(tmp_path / "file" / "work"))
    assert str(tmp_path / "file") in output


def test_a_bad_specification(refused: Any) -> None:
    output = refused(ExitStatus.BAD_SPECIFICATION, "s3://bucket", max_batch_size=0)
    assert "manifest_uri: expected the URI of an object" in output
    assert "max_batch_size: " in output


def test_no_triton_environment(object_cloud: Any, tmp_path: Path) -> None:
    environment = service_environment(object_cloud.environment, tmp_path / "nowhere")
    exit_code, output = run_to_its_end(
        service_document("s3://b/m/manifest.json", object_cloud.key_uri, tmp_path / "work"), tmp_path, environment
    )
    assert exit_code == ExitStatus.NO_TRITON
    expected = "there is no Python environment there" if sys.platform == "linux" else "tritonserver is built for Linux"
    assert expected in output
    assert not (tmp_path / "work").exists()


@pytest.fixture
def guarded_cloud() -> Iterator[dict[str, str]]:
    """A cloud that checks permissions, with a manifest at s3://guarded/m/ and an identity that may do nothing."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "1000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: _answers(port) or server.poll() is not None, "the guarded cloud", 60)
        setup = {"endpoint_url": endpoint, "region_name": "us-east-1"}
        root = {"aws_access_key_id": "root", "aws_secret_access_key": "root", **setup}
        boto3.client("s3", **root).create_bucket(Bucket="guarded")
        boto3.client("s3", **root).put_object(Bucket="guarded", Key="m/manifest.json", Body=b"{}")
        identities = boto3.client("iam", **root)
        identities.create_user(UserName="stranger")
        key = identities.create_access_key(UserName="stranger")["AccessKey"]
        reset = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        reset.request("POST", "/moto-api/reset-auth", body=b"0")
        assert reset.getresponse().status == 200
        reset.close()
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
    finally:
        server.kill()
        server.wait()


def test_an_identity_that_may_not_read(guarded_cloud: dict[str, str], refused: Any) -> None:
    output = refused(ExitStatus.ACCESS_REFUSED, "s3://guarded/m/manifest.json", environment=guarded_cloud)
    assert "cannot read s3://guarded/m/manifest.json: access was refused" in output


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
