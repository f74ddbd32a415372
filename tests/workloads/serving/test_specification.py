"""The specification file: everything wrong in it is told at once, before anything is touched."""

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_serving.specification import ServiceSpecification

RELEASE: dict[str, Any] = {
    "version": 1,
    "manifest_uri": "s3://bucket/digits/0123456789ab/manifest.json",
    "run": "0123456789ab",
    "percent": 100,
}
DOCUMENT: dict[str, Any] = {
    "service": "digits",
    "job": "digits",
    "releases": [RELEASE],
    "encryption_key_uri": "aws-kms://arn:aws:kms:us-east-1:123456789012:key/1",
    "model_name": "digits",
    "http_port": 8000,
    "grpc_port": 8001,
    "metrics_port": 8002,
    "work_dir": "/var/run/trainyard",
    "max_batch_size": 64,
    "queue_delay_microseconds": 500,
}


def load(tmp_path: Path, **changes: Any) -> ServiceSpecification:
    path = tmp_path / "SERVICE.json"
    path.write_text(json.dumps({name: value for name, value in (DOCUMENT | changes).items() if value is not None}))
    return load_specification(path, ServiceSpecification)


def test_defaults_are_for_one_machine_and_the_result_is_frozen(tmp_path: Path) -> None:
    specification = load(tmp_path)
    assert specification.listen_address == "127.0.0.1"
    assert (specification.device, specification.instances) == ("cpu", 1)
    assert specification.max_queue_size == 0
    assert specification.queue_timeout_microseconds == 0
    assert specification.response_cache_bytes == 0
    with pytest.raises(pydantic.ValidationError):
        specification.http_port = 1


def test_all_errors_are_told_at_once_with_the_value_found(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as refused:
        load(
            tmp_path,
            service=None,
            releases=[{**RELEASE, "manifest_uri": "https://host/manifest.json", "version": 0}],
            encryption_key_uri="alias/key",
            model_name="../digits",
            http_port=0,
            grpc_port="8001",
            work_dir="work",
            max_batch_size=0,
            listen_address="localhost",
            gpus=2,
        )
    lines = str(refused.value).splitlines()
    assert all(line.startswith(f"{tmp_path / 'SERVICE.json'}: ") for line in lines)
    text = "\n".join(line.removeprefix(f"{tmp_path / 'SERVICE.json'}: ") for line in lines)
    for expected in (
        "service: is missing",
        "releases.0.version: input should be greater than or equal to 1, found 0",
        "releases.0.manifest_uri: expected the URI of an object, for example s3://BUCKET/FOLDER/manifest.json, found",
        "encryption_key_uri: expected aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID or gcp-kms://projects/..., found",
        "model_name: string should match pattern",
        "http_port: input should be greater than or equal to 1, found 0",
        "grpc_port: input should be a valid integer, found '8001'",
        "work_dir: expected an absolute path, found 'work'",
        "max_batch_size: input should be greater than or equal to 1, found 0",
        "listen_address: expected an IPv4 address, for example 127.0.0.1 or 0.0.0.0, found 'localhost'",
        "gpus: is not a known field",
    ):
        assert expected in text


def test_releases_differ_in_their_versions_and_share_all_requests(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as refused:
        load(tmp_path, releases=[RELEASE, {**RELEASE, "percent": 10}])
    assert "releases: version 1 is there 2 times; the percents have to add up to 100, and are 100 + 10" in str(
        refused.value
    )
    with pytest.raises(SpecificationError, match="releases: "):
        load(tmp_path, releases=[])


def test_sockets_have_short_paths(tmp_path: Path) -> None:
    assert load(tmp_path, socket_dir="/run/trainyard").socket_dir == "/run/trainyard"
    with pytest.raises(SpecificationError, match="socket_dir: expected a path of 96 bytes at the most"):
        load(tmp_path, socket_dir="/" + "a" * 96)
    with pytest.raises(SpecificationError, match="socket_dir: expected an absolute path"):
        load(tmp_path, socket_dir="sockets")


def test_ports_must_differ(tmp_path: Path) -> None:
    with pytest.raises(
        SpecificationError, match=r"must differ, found http_port 8000, grpc_port 8000, metrics_port 8002"
    ):
        load(tmp_path, grpc_port=8000)


def test_a_request_may_wait_longer_than_it_waits_for_others(tmp_path: Path) -> None:
    with pytest.raises(
        SpecificationError, match=r"queue_timeout_microseconds \(500\) must be 0 or more than queue_delay"
    ):
        load(tmp_path, queue_timeout_microseconds=500)
    assert load(tmp_path, queue_timeout_microseconds=0).queue_timeout_microseconds == 0


@pytest.mark.parametrize(("content", "message"), [("{", "JSON"), ("[]", "object"), (None, "cannot be read")])
def test_a_file_that_is_no_specification(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "SERVICE.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SpecificationError, match=message):
        load_specification(path, ServiceSpecification)
