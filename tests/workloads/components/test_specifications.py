"""What the components ask their workloads to do: the documents that the packages accept, and the name of a run."""

import json
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.training_settings import MODELS_OF
from infra.workload_settings import ServingSettings, TrainingSettings
from trainyard_artifacts.specification import SpecificationError, load_specification
from trainyard_serving.specification import ServiceSpecification
from trainyard_training.choices import ModelChoice
from trainyard_training.dataset_specification import DatasetSpecification
from trainyard_training.exit_status import ExitStatus
from trainyard_training.specification import WHAT_IS_TRAINED, TrainingSpecification
from workloads.serving.component import service_specification
from workloads.training.component import (
    HOPELESS_CODES,
    HOW_NOT_WHAT,
    RUN_AGAIN_CODES,
    dataset_specification,
    job_specification,
)

KEY = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/b416a86a-7f4b-459f-887b-45d34490660f"
PLACES = {"job", "run", "datasets_uri", "checkpoints_uri", "models_uri", "encryption_key_uri"}
ARCHIVE = {"archive_uri": "s3://stack-datasets/cifar10/cifar-10-binary.tar.gz"}


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


_groups = st.fixed_dictionaries(
    {},
    optional={
        "processes": st.sampled_from([1, 2, 3, 4]),
        "task": st.sampled_from(
            [
                {"source": source, "model": model, **extra, **(ARCHIVE if source == "cifar10" else {})}
                for source, models in MODELS_OF.items()
                for model in models
                for extra in ({}, {"augmentation": "none"}, {"streams": 4}, {"module": "own.models", "model": "mine"})
            ]
        ),
        "strategy": st.fixed_dictionaries(
            {"kind": st.sampled_from(["data_parallel", "fully_sharded", "parameter_servers"])},
            optional={"servers": st.integers(1, 3), "staleness": st.integers(0, 5)},
        ),
        "computation": st.fixed_dictionaries(
            {"precision": st.sampled_from(["float32", "bfloat16", "float16"])},
            optional={"channels_last": st.booleans(), "compile": st.booleans()},
        ),
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "maximum_cost_usd": st.sampled_from([0, 12.5]),
                "usd_per_hour": st.sampled_from([0, 3]),
                "stop_at_accuracy": st.sampled_from([0, 0.98]),
            },
        ),
    },
)


@given(_groups)
@hypothesis_settings(max_examples=60)
def test_whatever_the_settings_allow_the_package_accepts_and_understands_alike(changes: dict[str, Any]) -> None:
    try:
        settings = TrainingSettings(**changes)
    except ValidationError:
        assume(False)
    told = specification(**changes)
    job = TrainingSpecification.model_validate_json(json.dumps(told))
    dataset = DatasetSpecification.model_validate_json(
        json.dumps(dataset_specification(settings, "s3://stack-datasets"))
    )
    task, limits = settings.task, settings.limits
    assert (job.job, dataset.source, job.model.name) == (task.source, task.source, task.model)
    assert (job.model.module or "", job.input.streams or 0) == (task.module, task.streams)
    assert (dataset.cifar10.archive_uri if dataset.cifar10 else "") == task.archive_uri
    assert job.input.augmentation == task.augmentation
    assert settings.strategy.model_dump() == job.strategy.model_dump()
    assert settings.computation.model_dump() == job.computation.model_dump(exclude={"threads"})
    assert (job.maximum_cost_usd or 0) == limits.maximum_cost_usd
    assert job.resources.usd_per_hour == (limits.usd_per_hour if limits.maximum_cost_usd else None)
    assert (job.stop_when.reaches if job.stop_when else 0) == limits.stop_at_accuracy


def test_the_models_of_a_source_are_those_that_take_its_examples() -> None:
    # Imported here: it takes seconds, and the other tests do without.
    from trainyard_training.models import DataShape, build_model

    def takes(model: str, shape: DataShape) -> bool:
        try:
            build_model(ModelChoice(name=model), shape, seed=0)
        except SpecificationError:
            return False
        return True

    shapes = {
        "digits": DataShape((1, 8, 8), 16, 10),
        "cifar10": DataShape((3, 32, 32), 255, 10),
        "binary": DataShape((1000,), None, 2),
    }
    names = ("digits", "lenet", "resnet", "binary")
    found = {source: tuple(name for name in names if takes(name, shape)) for source, shape in shapes.items()}
    assert found == MODELS_OF


def test_what_is_as_by_default_is_left_out() -> None:
    assert not specification().keys() & {"model", "input", "strategy", "computation", "resources", "stop_when"}
    assert dataset_specification(TrainingSettings(), "s3://b").keys() == {"datasets_uri", "shards", "seed"}


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
    everything = specification(
        processes=4,
        task={"model": "mine", "module": "own.models", "augmentation": "none", "streams": 4},
        strategy={"kind": "parameter_servers", "servers": 2, "staleness": 0},
        computation={"precision": "bfloat16", "channels_last": True, "compile": True},
        limits={"maximum_cost_usd": 1, "usd_per_hour": 1, "stop_at_accuracy": 0.99},
    )
    decides = {
        name: not (name in HOW_NOT_WHAT or group in HOW_NOT_WHAT)
        for group, value in everything.items()
        if group not in PLACES
        for name in ([f"{group}.{field}" for field in value] if isinstance(value, dict) else [group])
    }
    trained = {}
    for name in decides:
        group, _, field = name.partition(".")
        fields = WHAT_IS_TRAINED.get(group, set())
        trained[name] = fields is True or field in fields
    assert decides == trained
    assert {name.partition(".")[0] for name in HOW_NOT_WHAT} <= everything.keys()


def test_limits_leave_the_run_its_name_and_another_archive_does_not() -> None:
    run = specification()["run"]
    limits = {"maximum_cost_usd": 5, "usd_per_hour": 1, "stop_at_accuracy": 0.99}
    assert specification(limits=limits, computation={"compile": True}, strategy={"staleness": 0})["run"] == run
    cifar10 = {"source": "cifar10", **ARCHIVE}
    one, other = specification(task=cifar10), specification(task={**cifar10, "archive_sha256": "c" * 64})
    assert len({run, one["run"], other["run"]}) == 3


def test_exit_codes_are_the_packages() -> None:
    assert RUN_AGAIN_CODES == (ExitStatus.STOPPED_EARLY,)
    assert HOPELESS_CODES == (
        ExitStatus.BAD_SPECIFICATION,
        ExitStatus.BAD_DATA,
        ExitStatus.DIVERGED,
        ExitStatus.MODEL_REFUSED,
        ExitStatus.TOO_DEAR,
    )


def test_other_code_is_another_run_with_places_of_its_own() -> None:
    one, other = specification("v1"), specification("v2")
    assert one["run"] != other["run"]
    assert one["checkpoints_uri"] != other["checkpoints_uri"]
    assert one == specification("v1")
