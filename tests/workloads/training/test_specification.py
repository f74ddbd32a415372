"""Job files: everything that is wrong is told at once, before anything is touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.conftest import TRAINING_FIELDS
from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_training.exit_status import STATUS_FILE_VARIABLE, ExitStatus, record, recorded
from trainyard_training.failures import report_failures
from trainyard_training.launch import main as launch
from trainyard_training.specification import TrainingSpecification

VALID: dict[str, Any] = {
    **TRAINING_FIELDS,
    "datasets_uri": "s3://datasets/digits",
    "checkpoints_uri": "s3://checkpoints/digits/0123456789ab",
    "models_uri": "s3://models/digits/0123456789ab",
    "encryption_key_uri": "aws-kms://arn:aws:kms:us-east-1:123456789012:key/1",
}


def load(path: Path, **changes: Any) -> TrainingSpecification:
    path.write_text(json.dumps({name: value for name, value in (VALID | changes).items() if value is not ...}))
    return load_specification(path, TrainingSpecification)


def test_a_valid_file_is_read(tmp_path: Path) -> None:
    assert load(tmp_path / "JOB.json").model_dump(mode="json", exclude_unset=True) == VALID


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "JOB.json"
    with pytest.raises(SpecificationError) as caught:
        load(path, epochs=0, learning_rate="fast", datasets_uri="bucket/x", encryption_key_uri="key", seed=..., sped=1)
    assert str(caught.value).splitlines() == [
        f"{path}: datasets_uri: expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///DIRECTORY,"
        " without a / at the end, found 'bucket/x'",
        f"{path}: encryption_key_uri: expected aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID or gcp-kms://projects/...,"
        " found 'key'",
        f"{path}: seed: is missing",
        f"{path}: epochs: input should be greater than or equal to 1, found 0",
        f"{path}: learning_rate: input should be a valid number, unable to parse string as a number, found 'fast'",
        f"{path}: sped: is not a known field",
    ]


def test_model_and_checkpoints_must_not_share_a_place(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="checkpoints_uri and models_uri must differ"):
        load(tmp_path / "JOB.json", checkpoints_uri=VALID["models_uri"])


PRIVATE: dict[str, Any] = {"privacy": {"target_epsilon": 8, "delta": 1e-5}}


def test_what_cannot_go_together_with_privacy_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "JOB.json"
    assert load(path, **PRIVATE).privacy is not None
    with pytest.raises(SpecificationError) as caught:
        load(
            path,
            **PRIVATE,
            strategy={"kind": "fully_sharded"},
            optimization={"clip_norm": 1, "accumulate_steps": 2},
            computation={"precision": "bfloat16", "compile": True},
            stop_when={"metric": "training_loss", "reaches": 0.1},
            variants={"names": ["float32", "float16", "int8_static", "pruned_structured"]},
        )
    assert str(caught.value).removeprefix(f"{path}: ").split("; ") == [
        "privacy needs strategy.kind data_parallel, found 'fully_sharded'",
        "optimization.clip_norm must be null where privacy clips each example's gradient",
        "optimization.accumulate_steps must be 1 where privacy draws batches of its own",
        "computation.precision 'bfloat16' would round the norms that privacy clips by: it must be 'float32'",
        "computation.compile must be false where privacy follows each example's gradient",
        "stop_when.metric 'training_loss' is measured on training examples without noise, so the run's length would"
        " tell of them: with privacy it must be 'test_accuracy'",
        "variants.names int8_static, pruned_structured would learn from training examples without noise: with privacy"
        " there are float32, float16, int8_dynamic",
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "JOB.json"
    path.write_bytes(content)
    with pytest.raises(SpecificationError, match=r"JOB.json: "):
        load_specification(path, TrainingSpecification)


def test_a_bad_file_ends_the_launcher_before_any_worker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing.json")
    assert report_failures(lambda: launch([missing])) is ExitStatus.BAD_SPECIFICATION
    assert capsys.readouterr().err == f"error: {missing}: cannot be read: No such file or directory\n"


def test_the_first_failure_is_the_one_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "status"
    monkeypatch.setenv(STATUS_FILE_VARIABLE, str(file))
    record(ExitStatus.DONE)
    assert recorded(file) is None
    record(ExitStatus.BAD_DATA)
    record(ExitStatus.FAILED)
    assert recorded(file) is ExitStatus.BAD_DATA
