"""A whole run as a platform starts it, two workers under torchrun's agent, and what it leaves behind."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.workloads.conftest import ObjectCloud
from tests.workloads.training.conftest import LAUNCH, TORCHRUN, TrainingJob, make_job
from trainyard_artifacts.fetch import fetch_manifest, read_artifact
from trainyard_artifacts.manifest import Manifest
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.exit_status import STATUS_FILE_VARIABLE, ExitStatus, recorded

pytestmark = pytest.mark.xdist_group("training-run")


@dataclass(frozen=True)
class FinishedRun:
    job: TrainingJob
    exit_code: int
    output: str

    @property
    def manifest_uri(self) -> str:
        return f"{self.job.specification.models_uri}/manifest.json"


@pytest.fixture(scope="module")
def finished(
    _object_server: ObjectCloud, dataset_objects: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    """One run of two workers to its end, for all tests here."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _object_server.environment.items():
            environment.setenv(name, value)
        variants = {"names": ["float32", "int8_dynamic"], "publish": ["int8_dynamic"]}
        job = make_job(_object_server, dataset_objects, tmp_path_factory.mktemp("run"), variants=variants)
        running = job.start(LAUNCH)
        try:
            exit_code, output = running.end()
        finally:
            running.kill_group()
        yield FinishedRun(job, exit_code, output)


@pytest.fixture
def manifest(finished: FinishedRun) -> Manifest:
    assert finished.exit_code == 0, finished.output
    return fetch_manifest(finished.manifest_uri, finished.job.origin)


def test_the_run_reaches_its_accuracy_and_lists_what_it_made(finished: FinishedRun, manifest: Manifest) -> None:
    assert manifest.metrics["test_accuracy"] >= 0.97
    assert manifest.metrics["onnx_max_abs_difference"] <= 1e-4
    assert (manifest.job, manifest.run) == ("digits", "0123456789ab")
    assert manifest.data.train_examples + manifest.data.test_examples == 1797
    assert [artifact.name for artifact in manifest.artifacts] == [
        "model.onnx",
        "model.int8_dynamic.onnx",
        "variants.md",
        "confusion_matrix.png",
        "training_curve.png",
        "saliency.png",
        "report.json",
        "steps.jsonl",
        "test_examples.npz",
    ]
    assert set(finished.job.published) == {"manifest.json", *(artifact.object for artifact in manifest.artifacts)}
    assert manifest.model.input.shape == (None, 1, 8, 8)
    assert manifest.model.largest_value == 16


@pytest.mark.parametrize("variant", ["", "float32", "int8_dynamic"])
def test_the_published_models_recognise_the_published_images(
    finished: FinishedRun, manifest: Manifest, variant: str
) -> None:
    model = read_artifact(finished.manifest_uri, manifest, manifest.model_artifact(variant).name)
    with np.load(io.BytesIO(read_artifact(finished.manifest_uri, manifest, "test_examples.npz"))) as arrays:
        images, labels = arrays["inputs"], arrays["labels"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = {manifest.model.input.name: images.astype(manifest.model.input.dtype)}
    (logits,) = session.run([manifest.model.output.name], inputs)
    said = {each.name: each.accuracy for each in manifest.variants}
    assert said[manifest.chosen_variant or ""] == pytest.approx(manifest.metrics["test_accuracy"])
    assert np.mean(logits.argmax(axis=1) == labels) == pytest.approx(said[variant or "float32"])


def test_the_report_has_confusions_and_losses(finished: FinishedRun, manifest: Manifest) -> None:
    report = json.loads(read_artifact(finished.manifest_uri, manifest, "report.json"))
    confusions = np.array(report["confusion_matrix"])
    assert confusions.sum() == manifest.data.test_examples
    assert np.trace(confusions) / confusions.sum() == pytest.approx(manifest.metrics["test_accuracy"])
    assert [entry["step"] for entry in report["training_loss"]] == [*range(25, 264, 25), 264]
    assert report["workers"] == 2


@pytest.mark.usefixtures("manifest")
def test_the_last_checkpoints_are_kept_and_nothing_stored_is_clear(finished: FinishedRun) -> None:
    assert finished.job.checkpoints == [200, 250, 264]
    for uri in (finished.job.specification.checkpoints_uri, finished.job.specification.models_uri):
        store = ObjectStore(uri)
        for name in store.list():
            if name != "manifest.json":
                content = store.get(name)
                assert not any(mark in content for mark in (b"PK\x03\x04", b"features.0.weight", b"confusion", b"conv"))


@pytest.mark.usefixtures("manifest")
def test_progress_is_told_by_one_worker_line_by_line(finished: FinishedRun) -> None:
    lines = [line for line in finished.output.splitlines() if line.startswith("step ")]
    assert len(lines) == 11
    for line in lines:
        assert re.fullmatch(r"step +\d+/264  epoch +\d+/12  loss \d\.\d{4}  [\d,]+ examples/s", line), line


def test_no_credential_is_shown(finished: FinishedRun, object_cloud: ObjectCloud) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        assert object_cloud.environment[name] not in finished.output


def test_running_again_does_nothing(finished: FinishedRun, manifest: Manifest) -> None:
    running = finished.job.start(LAUNCH)
    exit_code, output = running.end()
    assert exit_code == 0
    assert re.fullmatch(r"run digits/0123456789ab was published .* UTC: nothing to do\n", output)
    assert fetch_manifest(finished.manifest_uri, finished.job.origin) == manifest


def test_plain_torchrun_leaves_the_status_where_it_was_asked_to(
    object_cloud: ObjectCloud, dataset_objects: dict[str, bytes], tmp_path: Path
) -> None:
    status_file = tmp_path / "status"
    job = make_job(object_cloud, dataset_objects, tmp_path)
    job.datasets.delete("train-00000-of-00008.npz")
    job.environment[STATUS_FILE_VARIABLE] = str(status_file)
    running = job.start(TORCHRUN)
    exit_code, output = running.end()
    assert exit_code == 1
    assert recorded(status_file) is ExitStatus.BAD_DATA
    assert "error: shard " in output


def test_one_worker_alone_learns_the_same(
    finished: FinishedRun,
    manifest: Manifest,
    object_cloud: ObjectCloud,
    dataset_objects: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    job = make_job(object_cloud, dataset_objects, tmp_path_factory.mktemp("alone"))
    assert job.run_here(ticks=130) == 74
    assert job.run_here() == 0
    uri = f"{job.specification.models_uri}/manifest.json"
    alone = json.loads(read_artifact(uri, fetch_manifest(uri, job.origin), "report.json"))["training_loss"]
    both = json.loads(read_artifact(finished.manifest_uri, manifest, "report.json"))["training_loss"]
    assert [entry["step"] for entry in alone] == [entry["step"] for entry in both]
    losses, expected = ([entry["loss"] for entry in entries] for entries in (alone, both))
    # Sums are rounded in another order, which grows from step to step.
    assert losses[:2] == pytest.approx(expected[:2], rel=1e-3)
    assert losses == pytest.approx(expected, rel=5e-2)
