"""What a stack's service is to serve: its releases, and what the manifest of each says of the model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.deployed_model import DeployedModel, acting_as_serving
from cli.errors import CommandError
from engine.stack_outputs import read_outputs
from engine.values import strip_secrets

if TYPE_CHECKING:
    from trainyard_artifacts.manifest import Manifest
    from trainyard_serving.predict import LabelledImages

OUTPUT = "releases"
ACCURACY_METRIC = "test_accuracy"
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of the service's model."""

    version: int
    """Clients name it by this."""
    run: str
    variant: str
    """Of the run's variants; empty: the one that the run has chosen."""
    percent: int
    """Its share of the requests that name no version, 0 to 100."""
    manifest_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the manifest says of a release."""

    variant: str
    """By its own name; empty where the run had no variants."""
    bytes: int
    """Size of the ONNX file."""
    accuracy: float | None
    """On the run's test examples, as training measured it; None: it did not."""
    latency_ms: float | None
    """Of one example, without a server, as training measured it on one CPU thread; None: it did not."""
    examples: "LabelledImages" = field(repr=False)
    """The run's test examples."""


def releases_of(directory: Path, stack: str, model: DeployedModel) -> tuple[Release, ...]:
    """The releases of a stack, by version. Raises CommandError where its output cannot be understood, or EngineError.

    A stack that says nothing of releases serves what it has trained, as version 1.
    """
    outputs = read_outputs(directory, stack)
    told = strip_secrets(outputs[OUTPUT]) if OUTPUT in outputs else None
    return understand_releases(told, model.manifest_uri, model.run, stack)


def understand_releases(told: Any, manifest_uri: str, run: str, stack: str) -> tuple[Release, ...]:
    """Releases from the output of a stack, by version.

    :param told: The output: objects with `version`, `run`, `variant` and `percent`, and `manifest_uri` where that is
        not beside the stack's own; None: there is no such output.
    :param manifest_uri: Of what the stack has trained.
    :param run: Of what the stack has trained.

    Raises CommandError.
    """
    if told is None:
        return (Release(version=1, run=run, variant="", percent=100, manifest_uri=manifest_uri),)
    runs = manifest_uri.removesuffix(f"/{_MANIFEST}").removesuffix(f"/{run}")
    try:
        found = [
            Release(
                # Numbers of outputs are floating-point ones.
                version=int(each["version"]),
                run=str(each["run"]),
                variant=str(each.get("variant") or ""),
                percent=int(each["percent"]),
                manifest_uri=str(each.get("manifest_uri") or f"{runs}/{each['run']}/{_MANIFEST}"),
            )
            for each in told
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        found = []
    if not found:
        raise CommandError(
            f"the output {OUTPUT} of stack {stack} is no list of version, run, variant and percent: "
            f"'yard up -s {stack}' writes it anew"
        )
    return tuple(sorted(found, key=lambda release: release.version))


def models_of(deployed: DeployedModel, releases: Sequence[Release]) -> dict[int, Model]:
    """What the manifests say, by version. Raises ArtifactError, or PredictionError for unusable test examples."""
    from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
    from trainyard_serving.predict import TEST_EXAMPLES_FILE, LabelledImages

    found: dict[int, Model] = {}
    read: dict[tuple[str, str], tuple[Manifest, LabelledImages]] = {}
    with acting_as_serving(deployed):
        for release in releases:
            place = (release.manifest_uri, release.run)
            if place not in read:
                origin = Origin(job=deployed.job, run=release.run, key_uri=deployed.encryption_key_uri)
                manifest = fetch_manifest(release.manifest_uri, origin)
                data = read_artifact(release.manifest_uri, manifest, TEST_EXAMPLES_FILE)
                read[place] = (manifest, LabelledImages.decode(data))
            manifest, examples = read[place]
            found[release.version] = model_of(manifest, release.variant, examples)
    return found


def model_of(manifest: "Manifest", variant: str, examples: "LabelledImages") -> Model:
    """What one manifest says of a variant; without a name, of the chosen one. Raises ManifestError: there is none."""
    artifact = manifest.model_artifact(variant)
    name = variant or manifest.chosen_variant or ""
    measured = next((each for each in manifest.variants if each.name == name), None)
    return Model(
        variant=name,
        bytes=artifact.bytes,
        accuracy=measured.accuracy if measured else manifest.metrics.get(ACCURACY_METRIC),
        latency_ms=measured.latency_ms if measured else None,
        examples=examples,
    )
