"""The files of a bundle, by name. But for the ciphertext and what follows from it, equal inputs give equal bytes."""

import hashlib
import json
from dataclasses import dataclass

from trainyard_artifacts.manifest import MANIFEST_NAME, Manifest, encode_manifest
from trainyard_serving import __version__
from trainyard_serving.bundle_index import (
    CONFIGURATION_FILE,
    INDEX_FILE,
    MODEL_CIPHERTEXT_FILE,
    SERVICE_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
    BundledFile,
    BundleIndex,
    checksums,
    encode_index,
    encryption_context,
)
from trainyard_serving.bundle_keys import PrivateKey, PublicKey
from trainyard_serving.process import configuration_of
from trainyard_serving.specification import ServiceSpecification
from workloads.serving.bundle.compose import COMPOSE_FILE, compose_text
from workloads.serving.bundle.systemd_unit import UNIT_FILE, unit_text

README_FILE = "README.md"
OF_THE_MACHINE = frozenset({"work_dir", "runtime_dir", "listen_address"})
"""Settings that a bundle leaves to the machine that serves it."""


@dataclass(frozen=True)
class BundleOrder:
    """What a bundle is to hold."""

    specification: ServiceSpecification
    """How the model is served; its ``OF_THE_MACHINE`` are left out."""
    manifest: Manifest
    """Of the model's run, verified."""
    model: bytes
    """The ONNX file, verified and decrypted."""
    recipient: PublicKey
    """Of the machine that is to serve it."""
    image: str | None = None
    """The serving image as NAME@sha256:DIGEST."""


def bundle_files(order: BundleOrder, signing_key: PrivateKey) -> dict[str, bytes]:
    """Every file of the bundle, the model encrypted and the index signed.

    Raises:
        UnservableModelError: the model cannot be served with these settings.
        ValueError: the image is not named by its digest.
    """
    specification, manifest = order.specification, order.manifest
    files = {
        MANIFEST_NAME: encode_manifest(manifest),
        SERVICE_FILE: _service(specification),
        CONFIGURATION_FILE: configuration_of(specification, manifest).encode(),
        COMPOSE_FILE: compose_text(specification, order.image).encode(),
        UNIT_FILE: unit_text(specification).encode(),
        README_FILE: _readme(order, signing_key).encode(),
        MODEL_CIPHERTEXT_FILE: order.recipient.encrypt(order.model, encryption_context(manifest.job, manifest.run)),
    }
    index = BundleIndex(
        kind="trainyard-bundle",
        schema_version=1,
        trainyard_version=__version__,
        job=manifest.job,
        run=manifest.run,
        model_name=specification.model_name,
        model=manifest.model,
        image=order.image,
        recipient=order.recipient.identity,
        signer=signing_key.identity,
        files=tuple(
            BundledFile(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            for name, data in sorted(files.items())
        ),
    )
    files[INDEX_FILE] = encode_index(index)
    files[SIGNATURE_FILE] = signing_key.sign(files[INDEX_FILE])
    return {**files, SUMS_FILE: checksums(files)}


def _service(specification: ServiceSpecification) -> bytes:
    document = specification.model_dump(mode="json", exclude=set(OF_THE_MACHINE))
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _readme(order: BundleOrder, signing_key: PrivateKey) -> str:
    manifest = order.manifest
    return (
        f"# Run {manifest.run} of {manifest.job}, to be served by Triton\n\n"
        f"For the machine with the key {order.recipient.identity}; signed by {signing_key.identity}."
        " Nothing here may be altered: it is signed.\n"
        "Unaltered by accident: `sha256sum --check SHA256SUMS`. By intent:"
        " `yard bundle verify . --signer /etc/trainyard/signer.pub`.\n"
        "With Docker: `docker compose up --detach`; TRAINYARD_IMAGE, TRAINYARD_MACHINE_KEY, TRAINYARD_SIGNER and the"
        " ports are variables of compose.yaml.\n"
        f"With systemd: copy this folder to /opt/trainyard/bundle and {UNIT_FILE} to /etc/systemd/system, then"
        f" `systemctl enable --now {UNIT_FILE}`.\n"
    )
