"""What a finished training run left behind: the manifest, a JSON document beside the artifacts that it lists.

It is written last, so its presence means that the run is complete. It is clear text and is stored signed (see
``signature``); ``fetch`` compares its job, run and key with what the reader was told by others. It lists the sha256 of
every artifact, so its signature is one of them all.
"""

import json
import math
from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trainyard_artifacts.errors import ArtifactError

MANIFEST_NAME = "manifest.json"
MODEL_NAME = "model.onnx"
"""The artifact that is the chosen form of the model, of every run."""
SCHEMA_VERSION = 1

ObjectName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A name that is safe as an object's last part, as a file name and inside associated data."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestError(ArtifactError):
    """A manifest cannot be read, or does not say what it must."""


class VariantNotPublishedError(ManifestError):
    """A run has not published the form of its model that was asked for; the message lists those it has."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataVersion(_Frozen):
    """Which data the model was trained on."""

    index_sha256: Sha256
    """Of the dataset's index, which holds the hash of every shard."""
    train_examples: int = Field(ge=0)
    test_examples: int = Field(ge=0)
    shards: int = Field(ge=1)


class CodeVersion(_Frozen):
    """Which code trained it."""

    package: str
    version: str
    sources_sha256: Sha256


class TensorSignature(_Frozen):
    """One input or output of the model."""

    name: str
    dtype: str
    """As NumPy names it: ``float32``."""
    shape: tuple[int | None, ...]
    """None stands for the batch dimension."""


class ModelSignature(_Frozen):
    """How the model is called."""

    input: TensorSignature
    output: TensorSignature
    labels: tuple[str, ...]
    """The label of each output position."""
    largest_value: int | None = Field(default=None, ge=1)
    """Values of the input are whole numbers from 0 to this, as those of an image's pixels; None: any numbers."""


class Encryption(_Frozen):
    """How the artifacts are encrypted."""

    key_uri: str
    scheme: str


class Privacy(_Frozen):
    """What differential privacy the training kept, and by which noise: DP-SGD, https://arxiv.org/abs/1607.00133."""

    epsilon: float = Field(ge=0, allow_inf_nan=False)
    """Spent over the whole run, for ``delta``."""
    delta: float = Field(gt=0, lt=1)
    noise_multiplier: float = Field(ge=0, allow_inf_nan=False)
    """Standard deviation of the noise, in units of ``clip_norm``."""
    clip_norm: float = Field(gt=0, allow_inf_nan=False)
    """Largest L2 norm of one example's gradient."""


class Variant(_Frozen):
    """One form of the model that was measured: as trained, pruned, quantised ..."""

    name: str = Field(min_length=1)
    bytes: int = Field(ge=0)
    """Size of its file."""
    accuracy: float = Field(ge=0, le=1)
    """On the test split."""
    latency_ms: float = Field(ge=0, allow_inf_nan=False)
    """Milliseconds of one call."""
    artifact: ObjectName | None = None
    """Which of the artifacts it is; None where it was measured and not published. It is called as the manifest's
    ``model`` says, like all forms of the model."""


class Artifact(_Frozen):
    """One encrypted object beside the manifest."""

    name: ObjectName
    object: ObjectName
    """The object's name, relative to the manifest's folder."""
    bytes: int = Field(ge=0)
    """Size of the decrypted artifact."""
    sha256: Sha256
    """Of the decrypted artifact."""
    ciphertext_sha256: Sha256
    """Of the object as it is stored."""


class Manifest(_Frozen):
    """Everything that is known about one finished run."""

    schema_version: Literal[1] = 1
    job: ObjectName
    run: ObjectName
    created: AwareDatetime
    data: DataVersion
    code: CodeVersion
    frameworks: dict[str, str]
    """Package to version."""
    metrics: dict[str, float]
    model: ModelSignature
    encryption: Encryption
    artifacts: tuple[Artifact, ...]
    privacy: Privacy | None = None
    """None where the training was not a private one."""
    variants: tuple[Variant, ...] = ()
    """The forms of the model that there was a choice of; those with an artifact are published."""
    chosen_variant: str | None = None
    """Which of the variants is ``model.onnx``, by its name."""

    @field_validator("metrics")
    @classmethod
    def _metrics_are_finite(cls, metrics: dict[str, float]) -> dict[str, float]:
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise ValueError(f"{name} is {value}, but a metric must be a finite number")
        return metrics

    @field_validator("artifacts")
    @classmethod
    def _names_are_unique(cls, artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
        for attribute in ("name", "object"):
            counts = Counter(getattr(artifact, attribute) for artifact in artifacts)
            if repeated := sorted(value for value, count in counts.items() if count > 1):
                raise ValueError(f"the same {attribute} is listed twice: {', '.join(repeated)}")
            if MANIFEST_NAME in counts:
                raise ValueError(f"{MANIFEST_NAME} is the manifest itself and cannot be an artifact's {attribute}")
        return artifacts

    @model_validator(mode="after")
    def _chosen_variant_is_one(self) -> Self:
        names = [variant.name for variant in self.variants]
        if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
            raise ValueError(f"the same variant is listed twice: {', '.join(repeated)}")
        if self.chosen_variant is not None and self.chosen_variant not in names:
            there = ", ".join(names) or "none"
            raise ValueError(f"chosen_variant {self.chosen_variant!r} is not among the variants; there are: {there}")
        return self

    @model_validator(mode="after")
    def _variants_are_artifacts(self) -> Self:
        named = Counter(variant.artifact for variant in self.variants if variant.artifact)
        if repeated := sorted(name for name, count in named.items() if count > 1):
            raise ValueError(f"several variants name the same artifact: {', '.join(repeated)}")
        if unlisted := sorted(named.keys() - {artifact.name for artifact in self.artifacts}):
            raise ValueError(f"variants name artifacts that are not listed: {', '.join(unlisted)}")
        for variant in self.variants:
            if variant.artifact and (variant.artifact == MODEL_NAME) != (variant.name == self.chosen_variant):
                raise ValueError(
                    f"variant {variant.name!r} is said to be {variant.artifact}, but {MODEL_NAME} is the chosen"
                    f" variant, {self.chosen_variant!r}"
                )
        return self

    def artifact(self, name: str) -> Artifact:
        """The entry of the artifact called ``name``.

        Raises:
            ManifestError: there is none; the message lists those there are.
        """
        for artifact in self.artifacts:
            if artifact.name == name:
                return artifact
        there = ", ".join(artifact.name for artifact in self.artifacts) or "none"
        raise ManifestError(f"the manifest of {self.job}/{self.run} lists no artifact {name!r}; there are: {there}")

    def model_artifact(self, variant: str = "") -> Artifact:
        """The entry of a form of the model; without a name, of the chosen one.

        Raises:
            VariantNotPublishedError: it was only measured, or there is none of that name.
        """
        # Manifests from before variants had artifacts of their own name none, not even for the chosen one.
        if variant in ("", self.chosen_variant):
            return self.artifact(MODEL_NAME)
        published = {each.name: each.artifact for each in self.variants if each.artifact}
        if variant in published:
            return self.artifact(published[variant])
        measured = any(each.name == variant for each in self.variants)
        there = (
            ", ".join(sorted({*published, self.chosen_variant or ""} - {""}))
            or "none, beside the model that it has chosen"
        )
        raise VariantNotPublishedError(
            f"the manifest of {self.job}/{self.run} lists {'' if measured else 'no '}variant {variant!r}"
            f"{' as measured and not published' if measured else ''}; published are: {there}"
        )


def associated_data(job: str, run: str, name: str) -> bytes:
    """What an encrypted object is said to be: a ciphertext moved to another job, run or name does not decrypt."""
    return f"{job}/{run}/{name}".encode()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON, indented, keys sorted: equal manifests are equal bytes."""
    document = manifest.model_dump(mode="json")
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_manifest(data: bytes, uri: str) -> Manifest:
    """Read a manifest; ``uri`` says in errors where it came from.

    Raises:
        ManifestError: not JSON, another schema version, or fields missing, unknown or wrong (all of them are named).
    """
    require_version(data, uri)
    try:
        # From the bytes and not the document: JSON mode is what turns arrays into tuples and text into dates.
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise ManifestError(f"{uri} is not a valid manifest: {problems_of(error)}") from None


def require_version(data: bytes, uri: str) -> dict[str, Any]:
    """Read a JSON document of the version that this package knows: a manifest, or a signed one.

    Raises:
        ManifestError: not JSON, no JSON object, or another schema version.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{uri} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ManifestError(f"{uri} is not a manifest: expected a JSON object, found {type(document).__name__}")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ManifestError(f"{uri} has schema_version {version!r}; this version reads {SCHEMA_VERSION}")
    return document


def problems_of(error: ValidationError) -> str:
    """All that is wrong with a document, on one line."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
