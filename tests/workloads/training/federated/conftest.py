"""Two hospitals, so to say: a cloud that enforces IAM, with a bucket and an identity for each, and a coordinator."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from numpy.typing import NDArray

from trainyard_federated.specification import FederatedSpecification
from trainyard_training.data.examples import Examples
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.dataset import encode_dataset

ROOT = Path(__file__).resolve().parents[4]
PYTHON = ROOT / ".venv-federated/bin/python"
REGION = "us-east-1"
SITES = ("north", "south")
ADMINISTRATOR = ("AKIAADMINISTRATOR000", "the-administrators-secret-key")
NEEDS_FLOWER = pytest.mark.skipif(not PYTHON.exists(), reason=".venv-federated is missing: make setup makes it")


def federated_document(**changes: Any) -> dict[str, Any]:
    """A valid job file; nothing that it names is there."""
    key = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/1"
    document: dict[str, Any] = {
        "job": "digits",
        "run": "together",
        "rounds": 3,
        "learning_rate": 0.1,
        "seed": 7,
        "examples": {"input_shape": [1, 8, 8], "largest_value": 16, "labels": list("0123456789")},
        "target_accuracy": 0.5,
        "round_seconds": 60,
        "max_runtime_seconds": 120,
        "coordinator": {
            "models_uri": "s3://coordinator/models/together",
            "checkpoints_uri": "s3://coordinator/checkpoints/together",
            "encryption_key_uri": key,
        },
        "sites": [
            {"name": name, "datasets_uri": f"s3://{name}/digits", "environment_file": f"/nowhere/{name}.env"}
            for name in SITES
        ],
    }
    return document | changes


def federated_job(**changes: Any) -> FederatedSpecification:
    """The same, read."""
    return FederatedSpecification.model_validate_json(json.dumps(federated_document(**changes)))


@dataclass
class Cloud:
    """A server that enforces IAM, where each identity has one bucket of its own."""

    endpoint: str
    key_uri: str
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    """Variables of each identity: the sites' and ``coordinator``'s."""

    def client(self, service: str, identity: str | None = None) -> Any:
        """A client with an identity, or with the administrator's."""
        if identity is None:
            key, secret = ADMINISTRATOR
        else:
            variables = self.environments[identity]
            key, secret = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud with its three identities."""
    folder = tmp_path_factory.mktemp("cloud")
    key, secret = ADMINISTRATOR
    variables = {"TRAINYARD_ADMINISTRATOR_KEY_ID": key, "TRAINYARD_ADMINISTRATOR_SECRET": secret}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "infra.local.cloud_server", "0"],
            env={**os.environ, **variables, "TRAINYARD_PROCESS_FOLDER": str(folder)},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        ready = folder / "ready.json"
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        made = Cloud(f"http://127.0.0.1:{json.loads(ready.read_text())['port']}", "")
        arn = made.client("kms").create_key()["KeyMetadata"]["Arn"]
        made.key_uri = f"aws-kms://{arn}"
        for name in (*SITES, "coordinator"):
            made.client("s3").create_bucket(Bucket=name)
            made.environments[name] = make_identity(made, name, arn if name == "coordinator" else None)
        yield made
    finally:
        server.terminate()
        server.wait()


def make_identity(cloud: Cloud, name: str, key_arn: str | None) -> dict[str, str]:
    """Make a user who may do everything in the bucket of the same name, and nothing elsewhere."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    allowed = [{"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}]
    if key_arn is not None:
        allowed.append({"Effect": "Allow", "Action": "kms:*", "Resource": [key_arn]})
    policy = {"Version": "2012-10-17", "Statement": allowed}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def become(identity: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process an identity for the rest of the test."""
    for name, value in cloud.environments[identity].items():
        monkeypatch.setenv(name, value)
    # boto3 keeps the credentials of its first client.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture(scope="session")
def site_objects() -> dict[str, dict[str, bytes]]:
    """Digits cut by label: north has nine tenths of the digits 0 to 4 and one tenth of the others; south the rest."""
    digits, random = read_digits(seed=7), np.random.default_rng(7)

    def is_north(part: Examples) -> NDArray[np.bool_]:
        return random.random(len(part)) < np.where(part.labels < 5, 0.9, 0.1)

    train, test = is_north(digits.train), is_north(digits.test)
    cuts = {"north": (train, test), "south": (~train, ~test)}
    return {
        name: dict(
            encode_dataset(
                replace(
                    digits,
                    train=digits.train.at(np.flatnonzero(in_train)),
                    test=digits.test.at(np.flatnonzero(in_test)),
                ),
                shards=1,
            )
        )
        for name, (in_train, in_test) in cuts.items()
    }


@dataclass(frozen=True)
class FederatedJob:
    """A job whose sites have their data in place."""

    path: Path
    cloud: Cloud
    prefix: str

    @property
    def specification(self) -> FederatedSpecification:
        """What the job file says."""
        return FederatedSpecification.model_validate_json(self.path.read_text())

    def start(self) -> "subprocess.Popen[str]":
        """Start it on this machine, in a session of its own."""
        return subprocess.Popen(
            [str(PYTHON), "-m", "trainyard_federated", str(self.path)],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(self.path.parent), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self) -> tuple[int, str]:
        """Run it to its end: exit code and output."""
        process = self.start()
        try:
            output, _ = process.communicate(timeout=150)
        except BaseException:
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
            raise
        return process.returncode, output


@pytest.fixture
def new_job(cloud: Cloud, site_objects: dict[str, dict[str, bytes]], tmp_path: Path) -> Callable[..., FederatedJob]:
    """Makes a job with the given changes to its file."""

    def make(**changes: Any) -> FederatedJob:
        prefix = f"{tmp_path.parent.name}-{tmp_path.name}"
        document = federated_document()
        places = document["coordinator"]
        for place in ("models_uri", "checkpoints_uri"):
            places[place] = f"s3://coordinator/{prefix}/{place}"
        places["encryption_key_uri"] = cloud.key_uri
        places["environment_file"] = str(write_environment(tmp_path / "coordinator.env", cloud, "coordinator"))
        for site in document["sites"]:
            name = site["name"]
            site["datasets_uri"] = f"s3://{name}/{prefix}"
            site["environment_file"] = str(write_environment(tmp_path / f"{name}.env", cloud, name))
            for object_name, data in site_objects[name].items():
                cloud.client("s3", name).put_object(Bucket=name, Key=f"{prefix}/{object_name}", Body=data)
        path = tmp_path / "FEDERATED.json"
        path.write_text(json.dumps(document | changes))
        return FederatedJob(path, cloud, prefix)

    return make


def write_environment(path: Path, cloud: Cloud, identity: str) -> Path:
    """An environment file with an identity's variables."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in cloud.environments[identity].items()))
    return path
