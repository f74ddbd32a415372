"""Publishing: what counts as published, and what another process that publishes the same run can spoil."""

from pathlib import Path

import pytest

from tests.workloads.conftest import ObjectCloud, job_document
from trainyard_artifacts.envelope import Envelope
from trainyard_artifacts.fetch import Origin, fetch_manifest, read_artifact
from trainyard_artifacts.manifest import (
    MANIFEST_NAME,
    MODEL_NAME,
    DataVersion,
    Manifest,
    ModelSignature,
    Privacy,
    TensorSignature,
    Variant,
    encode_manifest,
)
from trainyard_artifacts.signature import sign_manifest
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.publish import (
    REPORT_NAME,
    TEST_EXAMPLES_NAME,
    origin_of,
    publish,
    published_manifest,
)
from trainyard_training.specification import TrainingSpecification

NAMES = (MODEL_NAME, REPORT_NAME, TEST_EXAMPLES_NAME)
PRIVACY = Privacy(epsilon=3.5, delta=1e-5, noise_multiplier=1.1, clip_norm=1.0)
VARIANTS = (
    Variant(name="float32", bytes=100, accuracy=0.99, latency_ms=1.5),
    Variant(name="int8", bytes=30, accuracy=0.98, latency_ms=0.5),
)


@pytest.fixture
def job(object_cloud: ObjectCloud, tmp_path: Path) -> TrainingSpecification:
    return TrainingSpecification.model_validate_json(job_document(object_cloud, tmp_path.name))


def publish_job(job: TrainingSpecification, content: bytes = b"content") -> Manifest:
    tensor = TensorSignature(name="image", dtype="float32", shape=(None, 1, 8, 8))
    return publish(
        origin_of(job),
        job.models_uri,
        Envelope(job.encryption_key_uri),
        dict.fromkeys(NAMES, content),
        data=DataVersion(index_sha256="0" * 64, train_examples=10, test_examples=2, shards=1),
        metrics={"test_accuracy": 0.5},
        model=ModelSignature(input=tensor, output=tensor, labels=("0", "1")),
        privacy=PRIVACY,
        variants=VARIANTS,
        chosen_variant="int8",
    )


def test_what_was_published_is_known_to_be(job: TrainingSpecification) -> None:
    assert published_manifest(job) is None
    manifest = publish_job(job)
    assert published_manifest(job) == manifest
    assert (manifest.privacy, manifest.variants, manifest.chosen_variant) == (PRIVACY, VARIANTS, "int8")


def test_an_unsigned_manifest_does_not_count(job: TrainingSpecification, capsys: pytest.CaptureFixture[str]) -> None:
    ObjectStore(job.models_uri).put(MANIFEST_NAME, encode_manifest(publish_job(job)))
    assert published_manifest(job) is None
    assert f"published again: {job.models_uri}/manifest.json is not signed" in capsys.readouterr().err


def test_a_manifest_signed_under_another_key_does_not_count(
    job: TrainingSpecification, object_cloud: ObjectCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = publish_job(job)
    ObjectStore(job.models_uri).put(MANIFEST_NAME, sign_manifest(manifest, Envelope(object_cloud.other_key_uri).key))
    assert published_manifest(job) is None
    assert "another key was used" in capsys.readouterr().err


def test_another_process_that_publishes_the_run_spoils_nothing(job: TrainingSpecification) -> None:
    uri, origin = f"{job.models_uri}/{MANIFEST_NAME}", Origin(job=job.job, run=job.run, key_uri=job.encryption_key_uri)
    publish_job(job, b"by the first")
    first = fetch_manifest(uri, origin)
    publish_job(job, b"by the second")
    assert {read_artifact(uri, first, name) for name in NAMES} == {b"by the first"}
    assert {read_artifact(uri, fetch_manifest(uri, origin), name) for name in NAMES} == {b"by the second"}
