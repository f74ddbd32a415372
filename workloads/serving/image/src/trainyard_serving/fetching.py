"""Fetching the models of releases: verified, decrypted, and compared with what their manifests say.

What this needs (the clients of the object store and the key service, ONNX Runtime) takes much memory, so a process that
is to stay small imports it in a child only (see ``fetch_child``).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
from trainyard_artifacts.manifest import Manifest
from trainyard_serving.onnx_signature import require_signature
from trainyard_serving.release import Release
from trainyard_serving.release_folders import configuration_of, require_same_signature
from trainyard_serving.specification import ServiceSpecification


class Fetched(NamedTuple):
    """A release's manifest and the bytes of its ONNX file."""

    release: Release
    manifest: Manifest
    model: bytes


def fetch_releases(specification: ServiceSpecification, releases: Sequence[Release]) -> Iterator[Fetched]:
    """Each release's model, of which is known that it can be served by itself. One at a time is in memory.

    All manifests are read and checked before the first model is.

    Raises:
        ArtifactError: a manifest or a model cannot be fetched, verified or decrypted, or is of another job, run or key
            than specified.
        VariantNotPublishedError, UnservableModelError: there is nothing to serve, or it cannot be served.
    """
    manifests = [_manifest(specification, release) for release in releases]
    pairs = list(zip(releases, manifests, strict=True))
    require_same_signature(pairs)
    for release, manifest in pairs:
        model = read_artifact(release.manifest_uri, manifest, manifest.model_artifact(release.variant).name)
        require_signature(model, manifest.model)
        say(
            specification,
            f"version {release.version}: run {manifest.run} of {manifest.job}, {len(model)} bytes, verified and"
            " decrypted",
        )
        yield Fetched(release, manifest, model)


def say(specification: ServiceSpecification, text: str) -> None:
    """A line of the service's log."""
    print(f"{specification.service}: {text}", flush=True)


def _manifest(specification: ServiceSpecification, release: Release) -> Manifest:
    say(specification, f"fetching the model of {release.manifest_uri}")
    origin = Origin(job=specification.job, run=release.run, key_uri=specification.encryption_key_uri)
    manifest = fetch_manifest(release.manifest_uri, origin)
    manifest.model_artifact(release.variant)
    configuration_of(specification, manifest)
    return manifest
