"""What the tests of bundles share: keys, and a bundle of a published model."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.serving.service_process import RUN, SIGNATURE
from trainyard_artifacts.envelope import SCHEME
from trainyard_artifacts.manifest import Artifact, CodeVersion, DataVersion, Encryption, Manifest
from trainyard_serving.bundle_keys import (
    PrivateKey,
    PublicKey,
    Purpose,
    create_key,
    public_path,
    read_private_key,
    read_public_key,
)
from trainyard_serving.fetching import Fetched, fetch_releases
from trainyard_serving.release import MODEL_FILE, Release
from trainyard_serving.specification import ServiceSpecification
from workloads.serving.bundle.contents import BundleOrder, bundle_files


@dataclass(frozen=True)
class Keys:
    """Those of a writer and of a machine, in a folder."""

    signing: Path
    machine: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Keys":
        keys = cls(folder / "signing-key", folder / "machine-key")
        create_key(keys.signing, Purpose.SIGN)
        create_key(keys.machine, Purpose.DECRYPT)
        return keys

    @property
    def signer(self) -> PublicKey:
        return read_public_key(public_path(self.signing), Purpose.SIGN)

    @property
    def signing_key(self) -> PrivateKey:
        return read_private_key(self.signing, Purpose.SIGN)

    @property
    def recipient(self) -> PublicKey:
        return read_public_key(public_path(self.machine), Purpose.DECRYPT)

    @property
    def machine_key(self) -> PrivateKey:
        return read_private_key(self.machine, Purpose.DECRYPT)


@dataclass(frozen=True)
class Written:
    """A bundle's files, and what they were made from."""

    keys: Keys
    order: BundleOrder
    files: dict[str, bytes]

    def again(self, **changes: Any) -> dict[str, bytes]:
        """The files of a bundle for another order."""
        return bundle_files(replace(self.order, **changes), self.keys.signing_key)


def bundle_of(cloud: Any, manifest_uri: str, folder: Path) -> Written:
    """A bundle of what is published at ``manifest_uri``."""
    service = specification(manifest_uri, cloud.key_uri)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        fetched = tuple(fetch_releases(service, service.releases))
    keys = Keys.made_in(folder)
    order = BundleOrder(service, fetched, keys.recipient)
    return Written(keys, order, bundle_files(order, keys.signing_key))


def bundle_of_no_model(keys: Keys) -> dict[str, bytes]:
    """The files of a bundle whose model is the bytes ``model``; needs no cloud to be written."""
    model = b"model"
    key_uri = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/k"
    manifest = Manifest(
        job="digits",
        run=RUN,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        data=DataVersion(index_sha256="0" * 64, train_examples=1, test_examples=1, shards=1),
        code=CodeVersion(package="trainyard-training", version="0.1.0", sources_sha256="0" * 64),
        frameworks={},
        metrics={},
        model=SIGNATURE,
        encryption=Encryption(key_uri=key_uri, scheme=SCHEME),
        artifacts=(
            Artifact(
                name=MODEL_FILE,
                object="model.onnx.tink",
                bytes=len(model),
                sha256=hashlib.sha256(model).hexdigest(),
                ciphertext_sha256="0" * 64,
            ),
        ),
    )
    service = specification("s3://models/m/manifest.json", key_uri)
    order = BundleOrder(service, (Fetched(service.releases[0], manifest, model),), keys.recipient)
    return bundle_files(order, keys.signing_key)


def specification(manifest_uri: str, key_uri: str, **changes: Any) -> ServiceSpecification:
    """How the tests' bundles are served."""
    document = {
        "service": "digits",
        "job": "digits",
        "releases": (Release(version=1, manifest_uri=manifest_uri, run=RUN, percent=100),),
        "encryption_key_uri": key_uri,
        "model_name": "digits",
        "http_port": 8000,
        "grpc_port": 8001,
        "metrics_port": 8002,
        "work_dir": "/",
        "max_batch_size": 64,
        "queue_delay_microseconds": 500,
    }
    return ServiceSpecification.model_validate({**document, **changes})
