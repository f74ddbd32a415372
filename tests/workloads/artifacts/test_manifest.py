"""The manifest: every valid one survives encoding, every damaged one is refused by name."""

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    ManifestError,
    ModelSignature,
    Privacy,
    TensorSignature,
    Variant,
    associated_data,
    decode_manifest,
    encode_manifest,
)

NUMBERS = {"bytes": 1, "accuracy": 0.5, "latency_ms": 1.0}
HASHES = {"sha256": "6" * 64, "ciphertext_sha256": "7" * 64}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
object_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(
    lambda it: it != "manifest.json"
)
hashes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
sizes = st.integers(0, 2**50)
shares = st.floats(0, 1)
amounts = st.floats(0, 1e9)
variants = st.lists(
    st.builds(Variant, name=text.filter(bool), bytes=sizes, accuracy=shares, latency_ms=amounts),
    max_size=3,
    unique_by=lambda it: it.name,
)
signatures = st.builds(
    TensorSignature, name=text, dtype=text, shape=st.lists(st.none() | st.integers(1, 999), max_size=4).map(tuple)
)
manifests = st.builds(
    Manifest,
    job=object_names,
    run=object_names,
    created=st.datetimes(timezones=st.just(UTC)),
    data=st.builds(
        DataVersion, index_sha256=hashes, train_examples=sizes, test_examples=sizes, shards=st.integers(1, 64)
    ),
    code=st.builds(CodeVersion, package=text, version=text, sources_sha256=hashes),
    frameworks=st.dictionaries(text, text, max_size=3),
    metrics=st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    model=st.builds(ModelSignature, input=signatures, output=signatures, labels=st.lists(text, max_size=3).map(tuple)),
    encryption=st.builds(Encryption, key_uri=text, scheme=text),
    artifacts=st.lists(
        st.builds(
            Artifact, name=object_names, object=object_names, bytes=sizes, sha256=hashes, ciphertext_sha256=hashes
        ),
        max_size=3,
        unique_by=(lambda it: it.name, lambda it: it.object),
    ).map(tuple),
    privacy=st.none()
    | st.builds(
        Privacy,
        epsilon=amounts,
        delta=st.floats(0, 1, exclude_min=True, exclude_max=True),
        noise_multiplier=amounts,
        clip_norm=st.floats(1e-9, 1e9),
    ),
    variants=variants.map(tuple),
)


@pytest.fixture
def document() -> dict[str, Any]:
    """A valid manifest as it is stored."""
    signature = TensorSignature(name="image", dtype="float32", shape=(None, 1, 8, 8))
    manifest = Manifest(
        job="digits",
        run="0123456789ab",
        created="2026-01-02T03:04:05Z",  # type: ignore[arg-type]
        data=DataVersion(index_sha256="0" * 64, train_examples=10, test_examples=2, shards=1),
        code=CodeVersion(package="p", version="1", sources_sha256="1" * 64),
        frameworks={"torch": "2"},
        metrics={"test_accuracy": 0.99},
        model=ModelSignature(input=signature, output=signature, labels=("0", "1")),
        encryption=Encryption(key_uri="aws-kms://x", scheme="s"),
        artifacts=(
            Artifact(name="m", object="m.tink", bytes=1, sha256="2" * 64, ciphertext_sha256="3" * 64),
            Artifact(name="n", object="n.tink", bytes=1, sha256="4" * 64, ciphertext_sha256="5" * 64),
        ),
    )
    stored: dict[str, Any] = json.loads(encode_manifest(manifest))
    return stored


@settings(max_examples=50, deadline=None)
@given(manifest=manifests)
def test_decoding_returns_what_was_encoded(manifest: Manifest) -> None:
    assert decode_manifest(encode_manifest(manifest), "s3://b/manifest.json") == manifest


@settings(max_examples=50)
@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_manifest_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(ManifestError, match=r"s3://b/manifest.json"):
        decode_manifest(data, "s3://b/manifest.json")


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_an_unknown_schema_version_is_refused(document: dict[str, Any], version: object) -> None:
    document["schema_version"] = version
    with pytest.raises(ManifestError, match=rf"s3://b/m has schema_version {version!r}; this version reads 1"):
        decode_manifest(json.dumps(document).encode(), "s3://b/m")


def test_everything_that_is_wrong_is_told_at_once(document: dict[str, Any]) -> None:
    document["metrics"] = {"loss": float("nan")}
    document["extra"] = 1
    document["artifacts"][0]["name"] = "../outside"
    del document["job"]
    with pytest.raises(ManifestError) as caught:
        decode_manifest(json.dumps(document).encode(), "s3://b/m")
    for field in ("job: Field required", "extra: Extra", "artifacts.0.name:", "metrics"):
        assert field in str(caught.value)


@pytest.mark.parametrize(("attribute", "value"), [("name", "n"), ("object", "n.tink"), ("object", "manifest.json")])
def test_artifacts_cannot_share_a_name_or_hide_the_manifest(
    document: dict[str, Any], attribute: str, value: str
) -> None:
    document["artifacts"][0][attribute] = value
    with pytest.raises(ManifestError, match="artifacts"):
        decode_manifest(json.dumps(document).encode(), "s3://b/m")


def test_a_manifest_without_variants_and_privacy_has_none(document: dict[str, Any]) -> None:
    for field in ("privacy", "variants", "chosen_variant"):
        del document[field]
    manifest = decode_manifest(json.dumps(document).encode(), "s3://b/m")
    assert (manifest.privacy, manifest.variants, manifest.chosen_variant) == (None, (), None)


@pytest.mark.parametrize(
    ("names", "chosen", "problem"),
    [
        ([], "int8", "chosen_variant 'int8' is not among the variants; there are: none"),
        (["float32", "float16"], "int8", "chosen_variant 'int8' is not among the variants; there are: float32, flo"),
        (["int8", "int8"], "int8", "the same variant is listed twice: int8"),
    ],
)
def test_the_chosen_variant_is_one_of_them(
    document: dict[str, Any], names: list[str], chosen: str, problem: str
) -> None:
    document["variants"] = [{"name": name, **NUMBERS} for name in names]
    document["chosen_variant"] = chosen
    with pytest.raises(ManifestError, match=problem):
        decode_manifest(json.dumps(document).encode(), "s3://b/m")


@pytest.fixture
def with_variants(document: dict[str, Any]) -> dict[str, Any]:
    """The same with a model, one variant that is published beside it, and one that is not."""
    document["artifacts"] += [
        {"name": name, "object": f"{name}.tink", "bytes": 1, **HASHES} for name in ("model.onnx", "model.int8.onnx")
    ]
    document["chosen_variant"] = "float32"
    document["variants"] = [
        {"name": "float32", "artifact": "model.onnx", **NUMBERS},
        {"name": "int8", "artifact": "model.int8.onnx", **NUMBERS},
        {"name": "float16", "artifact": None, **NUMBERS},
    ]
    return document


def decoded(document: dict[str, Any]) -> Manifest:
    return decode_manifest(json.dumps(document).encode(), "s3://b/m")


@pytest.mark.parametrize("is_old", [False, True])
def test_a_form_of_the_model_is_found_by_its_variant(with_variants: dict[str, Any], *, is_old: bool) -> None:
    if is_old:
        for variant in with_variants["variants"]:
            del variant["artifact"]
    manifest = decoded(with_variants)
    assert decode_manifest(encode_manifest(manifest), "s3://b/m") == manifest
    assert manifest.model_artifact().name == manifest.model_artifact("float32").name == "model.onnx"
    with pytest.raises(ManifestError, match=r"lists no variant 'int4'; published are: float32"):
        manifest.model_artifact("int4")
    with pytest.raises(ManifestError, match=r"'float16' as measured and not published; published are: float32"):
        manifest.model_artifact("float16")
    if not is_old:
        assert manifest.model_artifact("int8").name == "model.int8.onnx"


@pytest.mark.parametrize(
    ("variant", "artifact", "problem"),
    [
        (1, "model.int4.onnx", "variants name artifacts that are not listed: model.int4.onnx"),
        (2, "model.int8.onnx", "several variants name the same artifact: model.int8.onnx"),
        (0, "m", "variant 'float32' is said to be m, but model.onnx is the chosen variant, 'float32'"),
    ],
)
def test_a_variant_names_an_artifact_of_its_own(
    with_variants: dict[str, Any], variant: int, artifact: str, problem: str
) -> None:
    with_variants["variants"][variant]["artifact"] = artifact
    with pytest.raises(ManifestError, match=problem):
        decoded(with_variants)


def test_what_is_no_privacy_is_told_at_once(document: dict[str, Any]) -> None:
    document["privacy"] = {"epsilon": float("inf"), "delta": 0, "noise_multiplier": -1, "clip_norm": 0}
    with pytest.raises(ManifestError) as caught:
        decode_manifest(json.dumps(document).encode(), "s3://b/m")
    assert all(f"privacy.{field}: " in str(caught.value) for field in document["privacy"])


def test_a_missing_artifact_is_answered_with_those_there_are(document: dict[str, Any]) -> None:
    manifest = decode_manifest(json.dumps(document).encode(), "s3://b/m")
    assert manifest.artifact("n").object == "n.tink"
    with pytest.raises(ManifestError, match=r"lists no artifact 'model.onnx'; there are: m, n"):
        manifest.artifact("model.onnx")


def test_associated_data_tells_job_run_and_name_apart() -> None:
    assert associated_data("digits", "0123", "model.onnx") == b"digits/0123/model.onnx"
