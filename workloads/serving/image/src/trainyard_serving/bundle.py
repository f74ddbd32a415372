"""Verifying a bundle and decrypting the models in it, with two keys and no cloud.

A bundle is not believed about itself: it has to be signed by a key that the machine was given by other means. First the
signature of the index is verified, then names and sizes are compared with it, then contents; what is used later are
the very bytes that were verified. An earlier bundle of the same signer verifies as well: which of them a machine serves
is for who copies them there to say.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainyard_artifacts.envelope import KeyRefusedError
from trainyard_artifacts.manifest import Manifest, VariantNotPublishedError, decode_manifest
from trainyard_serving.bundle_index import (
    INDEX_FILE,
    SERVICE_FILE,
    SIGNATURE_FILE,
    SUMS_FILE,
    UNLISTED_FILES,
    BundledFile,
    BundleError,
    BundleIndex,
    checksums,
    ciphertext_file,
    decode_index,
    encryption_context,
    manifest_file,
)
from trainyard_serving.bundle_keys import PrivateKey, PublicKey, WrongKeyError
from trainyard_serving.bundle_source import BundleSource, opened_bundle
from trainyard_serving.release import Release

_LARGEST_INDEX = 1024 * 1024


class AnotherMachineError(KeyRefusedError):
    """The bundle is encrypted for another key than this machine's."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that has been verified, in memory; the models are still encrypted."""

    place: Path
    index: BundleIndex
    manifests: Mapping[int, Manifest]
    """Of each release's training run, by version. Who wrote the bundle has verified them by their own signatures."""
    settings: Mapping[str, object]
    """Of the service, without its releases and what depends on the machine."""
    files: Mapping[str, bytes]


def verify_bundle(place: Path, signer: PublicKey) -> Bundle:
    """Read the bundle at ``place``, a folder or a ``.tar``, which has to be whole, unaltered and signed by ``signer``.

    Raises:
        BundleError: it is not. All files that are missing, too many or altered are named at once.
        ManifestError: the manifest of a run is not one that this version reads.
    """
    with opened_bundle(place) as source:
        index, head = _signed_index(source, signer)
        listed = {file.name: file for file in index.files}
        there = set(source.sizes)
        due = set(listed) | UNLISTED_FILES
        problems = [f"{name} is missing" for name in sorted(due - there)]
        problems += [f"{name} is there and {INDEX_FILE} does not list it" for name in sorted(there - due)]
        files: dict[str, bytes] = {}
        for name in sorted(set(listed) & there):
            if source.sizes[name] != listed[name].bytes:
                problems.append(f"{name} was altered: it has {source.sizes[name]} bytes, not {listed[name].bytes}")
                continue
            files[name] = source.read(name)
            problems += _alterations(listed[name], files[name])
        if not problems:
            expected = checksums({**files, **head})
            if source.sizes[SUMS_FILE] != len(expected) or source.read(SUMS_FILE) != expected:
                problems.append(f"{SUMS_FILE} was altered: it does not say what the files are")
    if problems:
        raise BundleError(f"{place}: {'; '.join(problems)}")
    manifests = {release.version: _manifest(place, index, release, files) for release in index.releases}
    return Bundle(place, index, manifests, _settings(place, files[SERVICE_FILE]), files)


def decrypt_models(bundle: Bundle, key: PrivateKey) -> Iterator[tuple[Release, Manifest, bytes]]:
    """Each release with its run's manifest and its model, compared with the sha256 that the manifest lists.

    Raises:
        AnotherMachineError: they are encrypted for another key.
        BundleError: one does not decrypt, or is not the run's model.
        ManifestError: a manifest lists no model.
    """
    index = bundle.index
    if key.identity != index.recipient:
        raise AnotherMachineError(
            f"{bundle.place} is encrypted for the key {index.recipient}, and {key.path} is {key.identity}:"
            " write the bundle for this machine"
        )
    for release in index.releases:
        manifest = bundle.manifests[release.version]
        yield release, manifest, _decrypted(bundle, key, release, manifest)


def _decrypted(bundle: Bundle, key: PrivateKey, release: Release, manifest: Manifest) -> bytes:
    file, artifact = ciphertext_file(release), manifest.model_artifact(release.variant).name
    listed = manifest.artifact(artifact)
    try:
        model = key.decrypt(bundle.files[file], encryption_context(manifest.job, release.run, artifact))
    except WrongKeyError as error:
        raise BundleError(f"{bundle.place / file} cannot be decrypted: {error}") from None
    found = hashlib.sha256(model).hexdigest()
    if found != listed.sha256:
        raise BundleError(
            f"{bundle.place / file} is not {artifact} of {manifest.job}/{release.run}: decrypted, its sha256"
            f" is {found}, the manifest lists {listed.sha256}"
        )
    return model


def _signed_index(source: BundleSource, signer: PublicKey) -> tuple[BundleIndex, dict[str, bytes]]:
    head = {}
    for name in (INDEX_FILE, SIGNATURE_FILE):
        if name not in source.sizes:
            raise BundleError(f"{source.place}: {name} is missing, so it is no bundle")
        if source.sizes[name] > _LARGEST_INDEX:
            raise BundleError(f"{source.place}: {name} has {source.sizes[name]} bytes, more than {_LARGEST_INDEX}")
        head[name] = source.read(name)
    try:
        signer.verify(head[SIGNATURE_FILE], head[INDEX_FILE])
    except WrongKeyError:
        raise BundleError(
            f"{source.place}: {INDEX_FILE} or {SIGNATURE_FILE} was altered, or it is signed by another key than"
            f" {signer.path} ({signer.identity})"
        ) from None
    return decode_index(head[INDEX_FILE], str(source.place / INDEX_FILE)), head


def _manifest(place: Path, index: BundleIndex, release: Release, files: Mapping[str, bytes]) -> Manifest:
    name = manifest_file(release)
    manifest = decode_manifest(files[name], str(place / name))
    is_first = release == index.releases[0]
    if (manifest.job, manifest.run) != (index.job, release.run) or (is_first and manifest.model != index.model):
        raise BundleError(f"{place}: {name} is of {manifest.job}/{manifest.run}, and not what {INDEX_FILE} says")
    try:
        manifest.model_artifact(release.variant)
    except VariantNotPublishedError as error:
        raise BundleError(f"{place}: {name} is not what {INDEX_FILE} says: {error}") from None
    return manifest


def _alterations(listed: BundledFile, data: bytes) -> list[str]:
    found = hashlib.sha256(data).hexdigest()
    return [] if found == listed.sha256 else [f"{listed.name} was altered: its sha256 is {found}, not {listed.sha256}"]


def _settings(place: Path, data: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{place / SERVICE_FILE} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BundleError(f"{place / SERVICE_FILE} is not a JSON object")
    return document
