"""What is refused before anything is created: both files, and whether they fit together."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.training.jobs.documents import (
    AWS_KEY,
    SAGEMAKER,
    VERTEX,
    job_file,
    local_job,
    sagemaker_job,
    sagemaker_platform,
    vertex_job,
    vertex_platform,
)
from trainyard_artifacts.specification import SpecificationError
from workloads.training.jobs.agreement import problems
from workloads.training.jobs.platforms import LocalPlatform, SageMakerPlatform, load_platform
from workloads.training.jobs.submission import load_order


def test_what_fits_has_no_problem() -> None:
    assert problems(local_job(), LocalPlatform()) == []
    assert problems(sagemaker_job(), sagemaker_platform()) == []
    assert problems(vertex_job(), vertex_platform()) == []


def test_a_job_for_one_platform_does_not_fit_another_and_all_reasons_are_told() -> None:
    told = " / ".join(problems(vertex_job(), sagemaker_platform()))
    for setting in (
        "datasets_uri",
        "checkpoints_uri",
        "models_uri",
        "encryption_key_uri",
        "resources.instance_type",
        "resources.accelerator_type",
    ):
        assert f"{setting}" in told
    assert "'gs://yard-datasets/digits'" in told
    assert "'g2-standard-24'" in told
    told = " / ".join(problems(sagemaker_job(), LocalPlatform()))
    assert "resources.instance_count: this machine is one instance, found 2" in told


@pytest.mark.parametrize(
    ("resources", "changes", "platform", "said"),
    [
        ({}, {"max_runtime_seconds": 29 * 86_400}, {}, "max_runtime_seconds: SageMaker runs a job for 28 days at most"),
        ({"usd_per_hour": 10.0}, {"maximum_cost_usd": 0.2}, {}, "maximum_cost_usd: 0.2 buys 72 s"),
        ({}, {}, {"security_group_ids": []}, "subnets and security_group_ids: expected both of them or none"),
        ({}, {}, {"max_wait_seconds": 5000}, "max_wait_seconds: only jobs with resources.capacity spot wait"),
        ({"capacity": "spot"}, {}, {"max_wait_seconds": 5}, "max_wait_seconds: expected at least the 1620 s"),
        ({}, {"reporting": {"logs_uri": "file:///logs"}}, {}, "reporting.logs_uri"),
    ],
)
def test_what_sagemaker_would_refuse_is_told_first(
    resources: dict[str, Any], changes: dict[str, Any], platform: dict[str, Any], said: str
) -> None:
    (problem,) = problems(sagemaker_job(resources, **changes), sagemaker_platform(**platform))
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"accelerator_type": None}, "expected both or none, found None and 2"),
        ({"processes_per_instance": 3}, "expected at most one for each of the 2 accelerators, found 3"),
        ({"instance_type": "ml.g5.xlarge"}, "expected a machine type of Compute Engine"),
    ],
)
def test_what_vertex_would_refuse_is_told_first(resources: dict[str, Any], said: str) -> None:
    (problem,) = problems(vertex_job(resources), vertex_platform())
    assert said in problem


def test_everything_wrong_in_both_files_is_told_at_once(tmp_path: Path) -> None:
    job, platform = tmp_path / "JOB.json", tmp_path / "PLATFORM.json"
    job.write_text(json.dumps(job_file("s3", AWS_KEY, epochs=0, learning_rate="fast")))
    platform.write_text(json.dumps({**SAGEMAKER, "image": "trainyard:latest", "role_arn": "me", "secret": "x"}))
    with pytest.raises(SpecificationError) as refused:
        load_order(job, platform)
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [str(job), "epochs"],
        [str(job), "learning_rate"],
        [str(platform), "role_arn"],
        [str(platform), "image"],
        [str(platform), "secret"],
    ]


def test_files_that_do_not_fit_are_named_both(tmp_path: Path) -> None:
    job, platform = tmp_path / "JOB.json", tmp_path / "PLATFORM.json"
    job.write_text(json.dumps(job_file("s3", AWS_KEY)))
    platform.write_text(json.dumps(VERTEX))
    with pytest.raises(SpecificationError) as refused:
        load_order(job, platform)
    assert str(refused.value).count(f"{job}, with {platform}: ") == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "kind: expected one of local, sagemaker, vertex, found None"),
        ('{"kind": "azure"}', "found 'azure'"),
    ],
)
def test_a_platform_file_without_a_platform_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "PLATFORM.json"
    path.write_text(text)
    with pytest.raises(SpecificationError, match=said):
        load_platform(path)


def test_a_platform_file_is_read_as_its_kind_says(tmp_path: Path) -> None:
    path = tmp_path / "PLATFORM.json"
    path.write_text(json.dumps(SAGEMAKER))
    platform = load_platform(path)
    assert isinstance(platform, SageMakerPlatform)
    assert platform.subnets == ("subnet-1", "subnet-2")
    # As it is written into the job's folder, and read back from there.
    path.write_text(platform.model_dump_json())
    assert load_platform(path) == platform
