"""The files of a bundle, by name. But for the ciphertexts and what follows from it, equal inputs give equal bytes."""

import hashlib
import json
from dataclasses import dataclass

from trainyard_artifacts.manifest import encode_manifest
from trainyard_serving import __version__
from trainyard_serving.bundle_index import (
    CONFIGURATION_FILE,
    INDEX_FILE,
    SERVICE_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
    BundledFile,
    BundleIndex,
    checksums,
    ciphertext_file,
    encode_index,
    encryption_context,
    manifest_file,
)
from trainyard_serving.bundle_keys import PrivateKey, PublicKey
from trainyard_serving.fetching import Fetched
from trainyard_serving.release_folders import configuration_of, require_same_signature
from trainyard_serving.specification import ServiceSpecification
from workloads.serving.bundle.compose import COMPOSE_FILE, compose_text
from workloads.serving.bundle.systemd_unit import UNIT_FILE, unit_text

README_FILE = "README.md"
OF_THE_MACHINE = frozenset({"work_dir", "runtime_dir", "engine_dir", "socket_dir", "listen_address"})
"""Settings that a bundle leaves to the machine that serves it."""


@dataclass(frozen=True)
class BundleOrder:
    """What a bundle is to hold."""

    specification: ServiceSpecification
    """How the models are served; its ``OF_THE_MACHINE`` are left out."""
    fetched: tuple[Fetched, ...]
    """The manifest and the model of each of its releases, verified and decrypted."""
    recipient: PublicKey
    """Of the machine that is to serve it."""
    image: str | None = None
    """The serving image as NAME@sha256:DIGEST."""


def bundle_files(order: BundleOrder, signing_key: PrivateKey) -> dict[str, bytes]:
    """Every file of the bundle, the models encrypted and the index signed.

    Raises:
        VariantNotPublishedError, UnservableModelError: a model is not there, or cannot be served with these settings.
        ValueError: the image is not named by its digest.
    """
    specification, first = order.specification, order.fetched[0].manifest
    require_same_signature([(each.release, each.manifest) for each in order.fetched])
    files = {
        SERVICE_FILE: _service(specification),
        CONFIGURATION_FILE: configuration_of(specification, first).encode(),
        COMPOSE_FILE: compose_text(specification, order.image).encode(),
        UNIT_FILE: unit_text(specification).encode(),
        README_FILE: _readme(order, signing_key).encode(),
    }
    for release, manifest, model in order.fetched:
        context = encryption_context(manifest.job, manifest.run, manifest.model_artifact(release.variant).name)
        files[manifest_file(release)] = encode_manifest(manifest)
        files[ciphertext_file(release)] = order.recipient.encrypt(model, context)
    index = BundleIndex(
        kind="trainyard-bundle",
        schema_version=2,
        trainyard_version=__version__,
        job=specification.job,
        releases=tuple(each.release for each in order.fetched),
        model_name=specification.model_name,
        model=first.model,
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
    document = specification.model_dump(mode="json", exclude={"releases", *OF_THE_MACHINE})
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _readme(order: BundleOrder, signing_key: PrivateKey) -> str:
    releases = "".join(
        f"- {release.title}, {release.percent} % of the requests that name no version\n"
        for release, *_ in order.fetched
    )
    return (
        f"# {order.specification.job}, to be served by Triton\n\n"
        f"{releases}\n"
        f"For the machine with the key {order.recipient.identity}; signed by {signing_key.identity}."
        " Nothing here may be altered: it is signed.\n"
        "Unaltered by accident: `sha256sum --check SHA256SUMS`. By intent:"
        " `yard bundle verify . --signer /etc/trainyard/signer.pub`.\n"
        "With Docker: `docker compose up --detach`; TRAINYARD_IMAGE, TRAINYARD_MACHINE_KEY, TRAINYARD_SIGNER and the"
        " ports are variables of compose.yaml.\n"
        f"With systemd: copy this folder to /opt/trainyard/bundle and {UNIT_FILE} to /etc/systemd/system, then"
        f" `systemctl enable --now {UNIT_FILE}`.\n"
    )
