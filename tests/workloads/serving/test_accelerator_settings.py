"""The settings of accelerators: which go together, and how they reach the service."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from infra.settings import SettingsError, parse_settings
from infra.workload_settings import ServingSettings
from tests.workloads.serving.test_release_rules import release, specification
from trainyard_serving.accelerators import STATIC_VARIANT
from trainyard_serving.triton import SHARED_MEMORY
from workloads.serving.component import service_specification

POD = {"gpus": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accelerator": "tensorrt"}, "accelerator is tensorrt, which runs on GPUs, and device is cpu"),
        ({"precision": "fp16"}, "precision is fp16, which is for accelerator tensorrt, and accelerator is none"),
    ],
)
def test_a_specification_that_makes_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        specification(release(1, 100), **changes)


STATIC = [{"version": 1, "variant": STATIC_VARIANT, "percent": 100}]
MIXED = [*STATIC, {"version": 2, "percent": 0}, {"version": 7, "variant": "float16", "percent": 0}]


@pytest.mark.parametrize(
    ("serving", "problem"),
    [
        ({"accelerator": "tensorrt", "pods": POD}, None),
        ({"accelerator": "tensorrt", "pods": {"mig_profile": "1g.5gb"}, "precision": "fp16"}, None),
        ({"accelerator": "tensorrt", "pods": POD, "precision": "int8", "releases": STATIC}, None),
        (
            {"accelerator": "tensorrt"},
            "must be none where pods.gpus is 0 and pods.mig_profile is empty; tensorrt is for",
        ),
        (
            {"precision": "int8", "releases": STATIC},
            "must be fp32 where accelerator is none: the model's own file says",
        ),
        (
            {"accelerator": "tensorrt", "pods": POD, "precision": "int8"},
            "must be fp32 or fp16 unless every release has the variant int8_static, .* others have version 1",
        ),
        (
            {"accelerator": "tensorrt", "pods": POD, "precision": "int8", "releases": MIXED},
            "must be fp32 or fp16 unless .* others have versions 2, 7",
        ),
        (
            {"accelerator": "tensorrt", "pods": POD, "precision": "fp16", "releases": MIXED},
            "must be int8 for releases of the variant int8_static: version 1",
        ),
        ({"executions_at_once": 2000}, "less than or equal to 1024"),
    ],
)
def test_settings_of_a_cluster(serving: dict[str, Any], problem: str | None) -> None:
    if problem is None:
        ServingSettings.model_validate(serving, context={"cloud": "aws"})
    else:
        with pytest.raises(ValidationError, match=problem):
            ServingSettings.model_validate(serving, context={"cloud": "aws"})


def test_on_one_machine_all_that_is_wrong_is_told_with_its_setting() -> None:
    serving = {"accelerator": "tensorrt", "pods": POD, "precision": "fp8", "executions_at_once": -1}
    with pytest.raises(SettingsError) as refused:
        parse_settings({"trainyard:serving": json.dumps(serving)})
    assert [line.strip().removeprefix("trainyard:serving.") for line in str(refused.value).splitlines()[1:]] == [
        'accelerator = "tensorrt": must be none on one machine, where the server runs on CPUs; tensorrt is for pods '
        "with GPUs",
        "executions_at_once = -1: must be a whole number from 0 to 1024",
        'precision = "fp8": must be one of fp32, fp16, int8',
    ]


def test_settings_reach_the_service() -> None:
    def document(**serving: Any) -> Any:
        settings = ServingSettings.model_validate(serving, context={"cloud": "aws"})
        uri = "s3://models/digits/0123456789ab/manifest.json"
        told = service_specification(
            settings, job="digits", run="0123456789ab", manifest_uri=uri, encryption_key_uri=uri
        )
        names = ("accelerator", "precision", "accelerator_workspace_mib", "engine_dir", "executions_at_once")
        return {name: told[name] for name in names}

    defaults = specification(release(1, 100))
    assert document() == {name: getattr(defaults, name) for name in document()}
    asked = {"accelerator": "tensorrt", "precision": "fp16", "accelerator_workspace_mib": 512, "executions_at_once": 2}
    # Where a pod's own memory is mounted.
    assert document(pods=POD, **asked) == {**asked, "engine_dir": f"{SHARED_MEMORY}/trainyard-engines"}
