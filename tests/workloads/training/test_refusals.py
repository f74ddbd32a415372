"""What training refuses, each with its exit status, one clear line, and nothing published."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.workloads.conftest import ObjectCloud
from tests.workloads.training.conftest import TrainingJob
from trainyard_artifacts.manifest import MANIFEST_NAME
from trainyard_artifacts.specification import SpecificationError
from trainyard_artifacts.storage import ObjectStore
from trainyard_training.data.sources.digits import read_digits
from trainyard_training.dataset import encode_dataset, write_missing
from trainyard_training.exit_status import ExitStatus

NewJob = Callable[..., TrainingJob]


def refused(job: TrainingJob, capsys: pytest.CaptureFixture[str]) -> tuple[ExitStatus, str]:
    """Run the job; returns its status and the error's line, once it is sure that nothing was published."""
    capsys.readouterr()
    status = job.run_here()
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error
    return status, error


def test_an_altered_shard(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    job = new_job()
    content = job.datasets.get("train-00005-of-00008.npz")
    job.datasets.put("train-00005-of-00008.npz", content[:-1] + bytes([content[-1] ^ 1]))
    status, error = refused(job, capsys)
    assert status is ExitStatus.BAD_DATA
    assert f"shard {job.datasets.uri}/train-00005-of-00008.npz was altered: sha256 " in error
    assert (job.checkpoints, job.published) == ([], ())


def test_a_key_that_does_not_exist(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    missing = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    job = new_job(encryption_key_uri=missing)
    status, error = refused(job, capsys)
    assert status is ExitStatus.ACCESS_REFUSED
    assert f"cannot encrypt with {missing}: no such key" in error
    assert (job.checkpoints, job.published) == ([], ())


def test_another_key_than_the_checkpoints(
    new_job: NewJob, object_cloud: ObjectCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new_job().run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    status, error = refused(new_job(encryption_key_uri=object_cloud.other_key_uri), capsys)
    assert status is ExitStatus.ACCESS_REFUSED
    assert f"cannot decrypt with {object_cloud.other_key_uri}: no such key, another key was used" in error


def test_checkpoints_of_another_specification(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_job(epochs=2).run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    changed = new_job(epochs=4, learning_rate=0.02)
    before = changed.checkpoints
    status, error = refused(changed, capsys)
    assert status is ExitStatus.BAD_SPECIFICATION
    where = changed.specification.checkpoints_uri
    assert f"the checkpoints at {where} are of another training: epochs is 4, was 2; learning_rate is 0.02, w" in error
    assert (changed.checkpoints, changed.published) == (before, ())

    how = new_job(epochs=2, keep_checkpoints=1, max_runtime_seconds=5, target_accuracy=0.1, checkpoint_every_steps=7)
    assert how.run_here() is ExitStatus.DONE, "what does not change what is trained may change"


def test_checkpoints_of_another_data_set(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    job = new_job()
    assert job.run_here(ticks=10) is ExitStatus.OUT_OF_TIME
    write_missing(job.datasets, encode_dataset(read_digits(seed=8), shards=8))
    status, error = refused(job, capsys)
    assert status is ExitStatus.BAD_SPECIFICATION
    assert "are of another training: sha256 of the index at datasets_uri is " in error


def test_a_bucket_that_does_not_exist(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    status, error = refused(new_job(checkpoints_uri="s3://no-bucket-of-that-name/x"), capsys)
    assert status is ExitStatus.ACCESS_REFUSED
    assert error == "error: cannot list s3://no-bucket-of-that-name/x: there is no such bucket\n"


def test_a_full_disk(
    new_job: NewJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import obstore

    job = new_job(checkpoints_uri=f"file://{tmp_path}/full", checkpoint_every_steps=5)
    real_put = obstore.put

    def put(store: object, name: str, data: bytes) -> None:
        # A full disk of one's own needs the rights to mount one.
        if name.startswith("step-"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_put(store, name, data)  # type: ignore[arg-type]

    monkeypatch.setattr(obstore, "put", put)
    status, error = refused(job, capsys)
    assert status is ExitStatus.NO_SPACE
    assert re.fullmatch(rf"error: cannot write file://{tmp_path}/full/step-.*: no space is left there; .*\n", error)
    assert (job.checkpoints, job.published) == ([], ())


def test_an_unreachable_endpoint(
    new_job: NewJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = new_job()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    status, error = refused(job, capsys)
    assert status is ExitStatus.UNAVAILABLE
    assert "the endpoint http://127.0.0.1:9 (AWS_ENDPOINT_URL) did not answer" in error


def test_a_loss_that_is_not_finite(
    new_job: NewJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainyard_training.learner import Learner

    job = new_job(checkpoint_every_steps=5)
    real_step = Learner.step
    # A network that starts to give nonsense, as a corrupted weight or an overflow would make it.
    monkeypatch.setattr(
        Learner,
        "step",
        lambda self, images, labels: real_step(self, images * (np.nan if self.step_number == 7 else 1), labels),
    )
    status, error = refused(job, capsys)
    assert status is ExitStatus.DIVERGED
    assert error == "error: the loss is nan at step 8 (learning_rate 0.01); nothing was saved after step 5\n"
    assert job.checkpoints == [5]
    assert job.published == ()


def test_a_model_below_the_target(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    job = new_job(epochs=1, target_accuracy=0.99)
    status, error = refused(job, capsys)
    assert status is ExitStatus.MODEL_REFUSED
    assert "is below target_accuracy 0.99; nothing was published" in error
    assert job.published == ()


def test_an_export_that_computes_something_else(
    new_job: NewJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainyard_training.finishing import variants

    job = new_job(epochs=1, target_accuracy=0)
    real_run = variants.run_onnx
    monkeypatch.setattr(variants, "run_onnx", lambda model, inputs: real_run(model, inputs) + np.float32(0.1))
    status, error = refused(job, capsys)
    assert status is ExitStatus.MODEL_REFUSED
    assert "the exported model differs from the trained one by 0.1 in a logit" in error
    assert job.published == ()


def test_a_damaged_manifest_does_not_count_as_published(new_job: NewJob, capsys: pytest.CaptureFixture[str]) -> None:
    from trainyard_training.worker import is_published

    job = new_job()
    store = ObjectStore(job.specification.models_uri)
    store.put(MANIFEST_NAME, b"{}")
    assert not is_published(job.specification)
    assert "manifest.json has schema_version None" in capsys.readouterr().err


def test_gpus_that_cannot_be_used_are_not_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainyard_training.workers import join_workers

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("TRAINYARD_GPUS", "4")
    with (
        pytest.raises(SpecificationError, match="4 GPUs are given to this job, and PyTorch can use none"),
        join_workers(),
    ):
        pass


def test_more_training_processes_than_gpus_on_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU is none: the machines of these tests have none. Nothing is asked of it before the refusal."""
    from trainyard_training.workers import join_workers

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    # The second of two machines with four processes each, the last of which keeps parameters.
    for number in range(4):
        for name, value in {"RANK": 4 + number, "WORLD_SIZE": 8, "LOCAL_RANK": number, "LOCAL_WORLD_SIZE": 4}.items():
            monkeypatch.setenv(name, str(value))
        with (
            pytest.raises(SpecificationError, match="3 processes train on a machine with 2 GPUs"),
            join_workers(servers=1),
        ):
            pass
