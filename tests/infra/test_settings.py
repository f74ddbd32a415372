"""Settings: what is accepted, and what a person reads who mistypes one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.setting_problems import one_by_one
from infra.settings import Settings, SettingsError, parse_settings
from infra.workload_settings import TrainingSettings

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"

BAD: dict[str, dict[str, str]] = {
    "unknown_keys": {
        "trainyard:traning": "{}",
        "trainyard:epochs": "3",
        "trainyard:colour": "red",
        "trainyard:training.epochs": "3",
        "trainyard:training": '{"epoch": 4}',
        "trainyard:serving": '{"grpc-port": 1}',
        "trainyard:local": '{"colour": "red"}',
    },
    "mistyped": {
        "trainyard:cloud": "azure",
        "trainyard:owner": "",
        "trainyard:cost_centre": "a\nb",
        "trainyard:training": '{"epochs": "many", "processes": true, "learning_rate": "fast", "seed": 1.5}',
        "trainyard:serving": '{"enabled": "maybe", "http_port": [1]}',
        "trainyard:local": "5000",
    },
    "out_of_range": {
        "trainyard:owner": "x" * 64,
        "trainyard:training": '{"epochs": 0, "learning_rate": 0, "target_accuracy": 1.01, "dataset_shards": 65}',
        "trainyard:serving": '{"http_port": -1, "metrics_port": 65536, "enabled": 1}',
        "trainyard:local": '{"cloud_port": 70000}',
    },
    "together": {
        "trainyard:training": '{"processes": 3}',
        "trainyard:serving": '{"http_port": 8000, "grpc_port": 8000}',
    },
    "cloud_port": {
        "trainyard:training": '{"epochs": 0}',
        "trainyard:serving": '{"metrics_port": 8002}',
        "trainyard:local": '{"cloud_port": 8002}',
    },
    "batch": {"trainyard:training": '{"global_batch_size": 60}'},
    "task": {"trainyard:training": '{"task": {"source": "cifar10", "model": "binary", "archive_sha256": "c4"}}'},
    "task_parts": {"trainyard:training": '{"task": {"source": "cifar10", "model": "binary"}}'},
    "task_of_rows": {
        "trainyard:training": '{"task": {"source": "binary", "augmentation": "crop_flip", "archive_uri": "file:///a/b"}}'
    },
    "streams": {"trainyard:training": '{"processes": 4, "global_batch_size": 65, "task": {"streams": 2}}'},
    "servers": {"trainyard:training": '{"strategy": {"kind": "parameter_servers", "servers": 2}}'},
    "asynchronous": {
        "trainyard:training": '{"processes": 4, "strategy": {"kind": "parameter_servers"},'
        ' "computation": {"precision": "float16"}, "limits": {"stop_at_accuracy": 0.9}}'
    },
    "options": {
        "trainyard:training": '{"task": {"source": "cifar10", "archive_uri": "s3://data/cifar10/cifar-10-batches-bin",'
        ' "archive_sha256": "' + "c4" * 32 + '", "model": "resnet", "options": {"width": 16, "wdth": 8}}}'
    },
    "groups": {
        "trainyard:training": '{"task": {"options": {"width": [8], "hidden": null}}, "optimization": {"optimizer":'
        ' "lion", "weight_decay": 1.5, "momentum": 1, "schedule": "cosine", "warm_up_share": 0, "label_smoothing": "a",'
        ' "accumulate_steps": 0, "clip_norm": -1, "nesterov": true}, "privacy": {"target_epsilon": -8, "delta": 1,'
        ' "clip_norm": 0}, "variants": {"names": ["float32", "int4"], "choose": "best", "accuracy_loss": 2,'
        ' "pruned_share": 1}, "reporting": {"write_log": 1, "every_steps": 0, "logs_uri": "s3://b"}}'
    },
    "options_of_a_list": {"trainyard:training": '{"task": {"options": ["width"]}}'},
    "group_parts": {
        "trainyard:training": '{"privacy": {"target_epsilon": 8}, "variants": {"names": ["int8_static"],'
        ' "publish": ["float16"]},'
        ' "reporting": {"tensorboard": true}}'
    },
    "budget": {"trainyard:training": '{"privacy": {"delta": 1e-5}}'},
    "privacy": {
        "trainyard:training": '{"privacy": {"target_epsilon": 8, "delta": 1e-5}, "strategy": {"kind": "fully_sharded"},'
        ' "optimization": {"clip_norm": 1, "accumulate_steps": 2}, "computation": {"precision": "bfloat16",'
        ' "compile": true}, "variants": {"names": ["float32", "float16", "int8_static", "pruned_structured"]}}'
    },
    "price": {"trainyard:training": '{"limits": {"maximum_cost_usd": 10}}'},
    "cloud_without_settings": {"trainyard:cloud": "gcp"},
    "data_on_one_machine": {"trainyard:part": "data", "trainyard:expires_at": "2030-01-01T00:00:00Z"},
    "expiry": {"trainyard:expires_at": "tomorrow", "trainyard:environment": "production"},
}


@pytest.mark.parametrize("case", BAD)
def test_every_problem_is_told_in_one_error(case: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings(BAD[case])
    assert str(raised.value) + "\n" == (GOLDEN / f"settings_{case}.txt").read_text()


def test_a_secret_value_is_never_shown() -> None:
    configuration = {
        "trainyard:training": '{"epochs": "hunter2"}',
        "trainyard:owner": "\nhunter2",
        "trainyard:x": "hunter2",
    }
    with pytest.raises(SettingsError) as raised:
        parse_settings(configuration, secret_keys=configuration)
    assert "hunter2" not in str(raised.value)
    assert "(secret)" in str(raised.value)


def test_other_namespaces_are_left_alone() -> None:
    assert parse_settings({"aws:region": "eu-west-1", "pulumi:tags": "{}"}) == Settings()


def test_text_that_reads_as_a_number_is_one() -> None:
    settings = parse_settings({"trainyard:training": '{"learning_rate": "0.01", "epochs": "3"}'})
    assert (settings.training.learning_rate, settings.training.epochs) == (0.01, 3)


def test_the_project_file_states_every_setting_and_its_default() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = {key.removeprefix("trainyard:"): item["default"] for key, item in declared.items()}
    assert defaults == Settings().model_dump(mode="json")
    for key, item in declared.items():
        assert item["description"], key
        if item["type"] == "object":
            assert not [field for field in item["default"] if field not in item["description"]], key


_training = st.fixed_dictionaries(
    {},
    optional={
        "epochs": st.integers(1, 1000),
        "processes": st.sampled_from([1, 2, 4, 8]),
        "learning_rate": st.floats(0, 1, exclude_min=True),
        "keep_checkpoints": st.integers(1, 100),
        "max_runtime_minutes": st.integers(1, 10_080),
        "target_accuracy": st.floats(0, 1),
        "seed": st.integers(0, 2**32 - 1),
    },
)
_serving = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "http_port": st.integers(1, 20_000),
        "grpc_port": st.integers(20_001, 40_000),
        "max_batch_size": st.integers(1, 4096),
        "queue_delay_microseconds": st.integers(0, 1_000_000),
    },
)


@given(
    training=_training, serving=_serving, owner=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _.@+=:/-]{0,62}", fullmatch=True)
)
def test_valid_settings_survive_the_round_trip(training: dict[str, Any], serving: dict[str, Any], owner: str) -> None:
    objects = {"trainyard:training": json.dumps(training), "trainyard:serving": json.dumps(serving)}
    settings = parse_settings({**objects, "trainyard:owner": owner})
    assert settings.training.model_dump() == {**Settings().training.model_dump(), **training}
    assert settings.serving.model_dump() == {**Settings().serving.model_dump(), **serving}
    written = {
        f"trainyard:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.model_dump().items()
    }
    assert parse_settings(written) == settings


@given(st.dictionaries(st.text(max_size=12).map(lambda key: f"trainyard:{key}"), st.text(max_size=20), max_size=5))
def test_whatever_is_configured_the_answer_is_settings_or_one_error(configuration: dict[str, str]) -> None:
    try:
        settings = parse_settings(configuration)
    except SettingsError as error:
        assert "in its settings" in str(error)  # noqa: PT017
    else:
        assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    ("training", "field", "told"),
    [
        (
            {"task": {"source": "cifar10", "archive_uri": "file:///data/cifar.tar.gz"}},
            "archive_uri",
            "an object, s3://",
        ),
        ({"pods": {"gpus": 0}, "computation": {"precision": "float16"}}, "computation.precision", "for GPUs"),
        (
            {"pods": {"nodes": 2, "gpus": 2}, "strategy": {"kind": "parameter_servers", "servers": 4}},
            "strategy.servers",
            "less than the job's 4 processes",
        ),
        (
            {"pods": {"nodes": 2, "gpus": 2}, "strategy": {"kind": "parameter_servers"}},
            "dataset_shards",
            "3 computing workers (4 workers, one for each GPU, less strategy.servers)",
        ),
    ],
)
def test_on_a_cluster_its_pods_count(training: dict[str, Any], field: str, told: str) -> None:
    def checked(cloud: str) -> TrainingSettings:
        # As many as four workers share evenly, and three do not.
        shares = {"processes": 5, "dataset_shards": 20, "global_batch_size": 60}
        return TrainingSettings.model_validate({**shares, **training}, context={"cloud": cloud})

    with pytest.raises(ValidationError) as raised:
        checked("aws")
    (problem,) = one_by_one(raised.value.errors())
    assert problem["ctx"]["field"] == field
    assert told in problem["msg"]
    assert checked("local").processes == 5
