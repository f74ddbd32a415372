"""What the components ask their workloads to do: the documents that the packages accept, and the name of a run."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.settings import ServingSettings, TrainingSettings
from trainyard_artifacts.specification import load_specification
from trainyard_serving.specification import ServiceSpecification
from trainyard_training.specification import WHAT_IS_TRAINED, DatasetSpecification, TrainingSpecification
from workloads.serving.component import service_specification
from workloads.training.component import HOW_NOT_WHAT, dataset_specification, job_specification

KEY = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/b416a86a-7f4b-459f-887b-45d34490660f"


def specification(version: str = "v1", **changes: Any) -> dict[str, Any]:
    return job_specification(
        TrainingSettings(**changes),
        datasets_uri="s3://stack-datasets",
        checkpoints_uri="s3://stack-checkpoints",
        models_uri="s3://stack-models",
        encryption_key_uri=KEY,
        version=version,
    )


def test_the_training_package_accepts_both_documents(tmp_path: Path) -> None:
    job, dataset = tmp_path / "job.json", tmp_path / "dataset.json"
    job.write_text(json.dumps(specification()))
    dataset.write_text(json.dumps(dataset_specification(TrainingSettings(), "s3://stack-datasets")))
    accepted = load_specification(job, TrainingSpecification)
    assert accepted.models_uri == f"s3://stack-models/digits/{accepted.run}"
    assert load_specification(dataset, DatasetSpecification).datasets_uri == accepted.datasets_uri


def test_the_serving_package_accepts_its_document(tmp_path: Path) -> None:
    document = service_specification(
        ServingSettings(),
        job="digits",
        run="0123456789ab",
        manifest_uri="s3://stack-models/digits/0123456789ab/manifest.json",
        encryption_key_uri=KEY,
    )
    ports = {"http_port": 8000, "grpc_port": 8001, "metrics_port": 8002}
    path = tmp_path / "service.json"
    path.write_text(json.dumps({**document, **ports, "work_dir": str(tmp_path)}))
    accepted = load_specification(path, ServiceSpecification)
    assert (accepted.model_name, accepted.run, accepted.encryption_key_uri) == ("digits", "0123456789ab", KEY)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "epochs": st.integers(1, 50),
            "learning_rate": st.floats(0.001, 1),
            "seed": st.integers(0, 9),
            "keep_checkpoints": st.integers(1, 9),
            "max_runtime_minutes": st.integers(1, 99),
            "target_accuracy": st.floats(0, 1),
            "checkpoint_every_steps": st.integers(1, 99),
        },
    )
)
def test_a_run_is_named_after_what_is_trained_and_not_after_how(changes: dict[str, Any]) -> None:
    default, changed = TrainingSettings(), TrainingSettings(**changes)
    how = {name.replace("max_runtime_seconds", "max_runtime_minutes") for name in HOW_NOT_WHAT}
    same = default.model_dump(exclude=how) == changed.model_dump(exclude=how)
    assert (specification()["run"] == specification(**changes)["run"]) == same


def test_what_is_trained_is_all_that_names_a_run_but_places() -> None:
    places = {"job", "run", "datasets_uri", "checkpoints_uri", "models_uri", "encryption_key_uri"}
    assert specification().keys() - HOW_NOT_WHAT - places == WHAT_IS_TRAINED


def test_other_code_is_another_run_with_places_of_its_own() -> None:
    one, other = specification("v1"), specification("v2")
    assert one["run"] != other["run"]
    assert one["checkpoints_uri"] != other["checkpoints_uri"]
    assert one == specification("v1")
