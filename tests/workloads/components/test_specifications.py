"""What the components ask their workloads to do: the documents that the packages accept, and the name of a run."""

import json
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.training_settings import MODELS_OF, OPTIONS_OF, PrivacySettings
from infra.workload_settings import ServingSettings, TrainingSettings
from trainyard_artifacts.specification import load_specification
from trainyard_serving.specification import ServiceSpecification
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
    (release,) = accepted.releases
    assert (accepted.model_name, release.run, accepted.encryption_key_uri) == ("digits", "0123456789ab", KEY)


_groups = st.fixed_dictionaries(
    {},
    optional={
        "processes": st.sampled_from([1, 2, 3, 4]),
        "task": st.sampled_from(
            [
                {"source": source, "model": model, **extra, **(ARCHIVE if source == "cifar10" else {})}
                for source, models in MODELS_OF.items()
                for model in models
                for extra in (
                    {},
                    {"augmentation": "none"},
                    {"streams": 4},
                    {"module": "own.models", "model": "mine", "options": {"width": 8, "rate": 0.1, "bias": False}},
                    {"options": dict.fromkeys(OPTIONS_OF[model], 16)},
                )
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
        "optimization": st.fixed_dictionaries(
            {},
            optional={
                "optimizer": st.sampled_from(["adamw", "sgd"]),
                "weight_decay": st.floats(0, 1),
                "momentum": st.floats(0, 1, exclude_max=True),
                "schedule": st.sampled_from(["one_cycle", "constant"]),
                "warm_up_share": st.floats(0, 1, exclude_min=True, exclude_max=True),
                "label_smoothing": st.floats(0, 1, exclude_max=True),
                "accumulate_steps": st.integers(1, 4),
                "clip_norm": st.floats(0, 10),
            },
        ),
        "privacy": st.sampled_from(
            [{}, {"target_epsilon": 8, "delta": 1e-5}, {"target_epsilon": 1, "delta": 1e-6, "clip_norm": 2}]
        ),
        "variants": st.fixed_dictionaries(
            {},
            optional={
                "names": st.sampled_from([["float32"], ["int8_dynamic", "float32"], ["float32", "pruned_structured"]]),
                "choose": st.sampled_from(["float32", "smallest", "fastest"]),
                "accuracy_loss": st.floats(0, 1),
                "pruned_share": st.floats(0, 1, exclude_min=True, exclude_max=True),
                "publish": st.sampled_from([[], ["float32"], ["int8_dynamic", "float32"]]),
            },
        ),
        "reporting": st.fixed_dictionaries(
            {},
            optional={"write_log": st.booleans(), "every_steps": st.integers(1, 99), "tensorboard": st.booleans()},
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
    assert job.model.options == task.options
    optimization = settings.optimization.model_dump()
    assert {**optimization, "clip_norm": optimization["clip_norm"] or None} == job.optimization.model_dump()
    assert (
        job.privacy.model_dump() if job.privacy else PrivacySettings().model_dump()
    ) == settings.privacy.model_dump()
    assert settings.variants.model_dump() == job.variants.model_dump()
    logs_uri = f"s3://stack-checkpoints/{job.job}/{job.run}-log" if settings.reporting.write_log else None
    reporting = settings.reporting.model_dump(exclude={"write_log"})
    assert {"logs_uri": logs_uri, **reporting} == job.reporting.model_dump()
    assert settings.strategy.model_dump() == job.strategy.model_dump()
    assert settings.computation.model_dump() == job.computation.model_dump(exclude={"threads"})
    assert (job.maximum_cost_usd or 0) == limits.maximum_cost_usd
    assert job.resources.usd_per_hour == (limits.usd_per_hour if limits.maximum_cost_usd else None)
    assert (job.stop_when.reaches if job.stop_when else 0) == limits.stop_at_accuracy


def test_options_that_pulumi_has_stored_as_text_are_numbers_again() -> None:
    own = {"module": "own.models", "model": "mine"}
    options = {
        "rate": "0.1",
        "count": "3",
        "name": "relu",
        "bias": True,
        "answer": "true",
        "zero": "007",
        "none": "NaN",
    }
    task = specification(task={**own, "options": options})["model"]
    assert task["options"] == {**options, "rate": 0.1, "count": 3}


def test_the_log_lies_beside_the_runs_checkpoints() -> None:
    told = specification(reporting={"write_log": True, "tensorboard": True})
    assert told["reporting"] == {"logs_uri": f"{told['checkpoints_uri']}-log", "tensorboard": True}
    assert told["run"] == specification()["run"]


def test_other_variants_are_another_run_since_what_is_released_is_not_changed() -> None:
    assert specification(variants={"choose": "smallest"})["run"] != specification()["run"]


def test_what_is_as_by_default_is_left_out() -> None:
    groups = {"model", "input", "strategy", "optimization", "computation", "resources", "stop_when"}
    assert not specification().keys() & {*groups, "variants", "reporting", "privacy"}
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


def test_what_is_trained_and_released_is_all_that_names_a_run_but_places() -> None:
    everything = specification(
        processes=4,
        task={
            "model": "mine",
            "module": "own.models",
            "options": {"width": 8},
            "augmentation": "none",
            "streams": 4,
        },
        strategy={"kind": "parameter_servers", "servers": 2, "staleness": 0},
        computation={"precision": "bfloat16", "channels_last": True, "compile": True},
        limits={"maximum_cost_usd": 1, "usd_per_hour": 1, "stop_at_accuracy": 0.99},
        optimization={
            "optimizer": "sgd",
            "weight_decay": 0,
            "momentum": 0,
            "schedule": "constant",
            "warm_up_share": 0.5,
            "label_smoothing": 0,
            "accumulate_steps": 2,
            "clip_norm": 1,
        },
        reporting={"write_log": True, "every_steps": 1, "tensorboard": True},
    )
    everything["privacy"] = specification(privacy={"target_epsilon": 8, "delta": 1e-5, "clip_norm": 2})["privacy"]
    everything["variants"] = specification(
        variants={"names": ["float32", "float16"], "choose": "fastest", "accuracy_loss": 0, "pruned_share": 0.1}
    )["variants"]
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
        trained[name] = group == "variants" or fields is True or field in fields
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
        ExitStatus.OUT_OF_TIME,
    )


def test_other_code_is_another_run_with_places_of_its_own() -> None:
    one, other = specification("v1"), specification("v2")
    assert one["run"] != other["run"]
    assert one["checkpoints_uri"] != other["checkpoints_uri"]
    assert one == specification("v1")
