"""A cloud of objects and keys for the workloads' tests: a real AWS-compatible server on a free loopback port."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
TRAINING_FIELDS: dict[str, Any] = {
    "job": "digits",
    "run": "0123456789ab",
    "seed": 7,
    "epochs": 12,
    "global_batch_size": 64,
    "learning_rate": 0.01,
    "checkpoint_every_steps": 50,
    "keep_checkpoints": 3,
    "max_runtime_seconds": 900,
    "target_accuracy": 0.97,
}
"""What a valid training job says beside its places and its key."""


@dataclass(frozen=True)
class ObjectCloud:
    """What a test needs to know of the server."""

    endpoint: str
    datasets_bucket: str
    checkpoints_bucket: str
    models_bucket: str
    key_uri: str
    """The key-encryption key, as ``aws-kms://`` URI."""
    other_key_uri: str
    """A second key, for what must not decrypt."""
    environment: dict[str, str]
    """What a process needs in its environment to reach the server with credentials."""

    def client(self, service: str) -> Any:
        """A boto3 client for ``s3``, ``kms`` ... of this server."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )


@pytest.fixture(scope="session")
def _object_server() -> Iterator[ObjectCloud]:
    """The server, for fixtures that live longer than a test; a test takes ``object_cloud``."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "the-secret-that-must-never-be-shown",
        # Neither the developer's own files nor the instance's metadata may answer for credentials.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    cloud = ObjectCloud(
        endpoint=endpoint,
        datasets_bucket="trainyard-datasets",
        checkpoints_bucket="trainyard-checkpoints",
        models_bucket="trainyard-models",
        key_uri="",
        other_key_uri="",
        environment=environment,
    )
    for bucket in (cloud.datasets_bucket, cloud.checkpoints_bucket, cloud.models_bucket):
        cloud.client("s3").create_bucket(Bucket=bucket)
    arns = [cloud.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    yield ObjectCloud(**{**vars(cloud), "key_uri": f"aws-kms://{arns[0]}", "other_key_uri": f"aws-kms://{arns[1]}"})
    server.stop()


@pytest.fixture
def object_cloud(_object_server: ObjectCloud, monkeypatch: pytest.MonkeyPatch) -> ObjectCloud:
    """The server, reachable from this process through its environment. Buckets are shared: use a prefix of your own."""
    for name, value in _object_server.environment.items():
        monkeypatch.setenv(name, value)
    return _object_server


def job_document(cloud: ObjectCloud, prefix: str, **changes: Any) -> str:
    """A valid training job specification as JSON, its objects under ``prefix`` in each bucket."""
    run = TRAINING_FIELDS["run"]
    document: dict[str, Any] = {
        **TRAINING_FIELDS,
        "datasets_uri": f"s3://{cloud.datasets_bucket}/{prefix}",
        "checkpoints_uri": f"s3://{cloud.checkpoints_bucket}/{prefix}/{run}",
        "models_uri": f"s3://{cloud.models_bucket}/{prefix}/{run}",
        "encryption_key_uri": cloud.key_uri,
    }
    return json.dumps(document | changes)
