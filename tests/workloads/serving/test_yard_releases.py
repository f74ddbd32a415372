"""`yard releases`: every version of a service, through the server, beside what its manifest says."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.application import run
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from cli.loadtest_target import Endpoint, Target
from cli.releases_measured import Measured, Plan, measure
from cli.releases_served import Release, models_of
from tests.cli.yard import make_project, yard
from tests.workloads.conftest import REGION, ObjectCloud
from tests.workloads.serving.published_variants import (
    EXAMPLES,
    INT8,
    RUN,
    Published,
    deployed,
    publish_variants,
    standing_in,
)
from trainyard_artifacts.manifest import ManifestError

pytestmark = pytest.mark.xdist_group("releases")

PROGRAM = """
import pulumi

for name, value in {outputs!r}.items():
    pulumi.export(name, pulumi.Output.secret(value) if "secret" in name else value)
"""
PASSPHRASE = "correct horse"
PLAN = Plan(seconds=0.1, warmup_seconds=0, timeout_seconds=10, clients=2)


@pytest.fixture
def published(object_cloud: ObjectCloud, tmp_path: Path) -> Published:
    return publish_variants(object_cloud, f"s3://{object_cloud.models_bucket}/{tmp_path.name}/{RUN}")


def releases(published: Published, *variants: str) -> list[Release]:
    """One version for each of the variants, from 1 on."""
    return [
        Release(version=number, run=RUN, variant=variant, percent=100, manifest_uri=published.manifest_uri)
        for number, variant in enumerate(variants, 1)
    ]


def measured(
    cloud: ObjectCloud, published: Published, address: str, *variants: str
) -> tuple[list[Measured], frozenset[int]]:
    asked = releases(published, *variants)
    models = models_of(deployed(cloud, published), asked)
    endpoint = Endpoint("http", address, is_encrypted=False)
    return measure(endpoint, Target("digits", (endpoint,)), asked, models, PLAN, lambda _: None)


def test_the_command_tells_each_version_and_which_one_is_another_than_its_manifest_says(
    published: Published,
    object_cloud: ObjectCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    picture = tmp_path / "releases.svg"
    worse = {1: published.answers["float32"], 2: lambda images: -published.answers[INT8](images)}
    with standing_in(worse) as address:
        outputs: dict[str, Any] = {
            "manifest_uri": published.manifest_uri,
            "job": "digits",
            "run": RUN,
            "encryption_key_uri": object_cloud.key_uri,
            "http_url": f"http://{address}",
            "grpc_url": "127.0.0.1:9",
            "endpoint_url": object_cloud.endpoint,
            "region": REGION,
            "serving_access_key_id": object_cloud.environment["AWS_ACCESS_KEY_ID"],
            "serving_secret_access_key": object_cloud.environment["AWS_SECRET_ACCESS_KEY"],
            "releases": [
                {"version": 2, "run": RUN, "variant": INT8, "percent": 10},
                {"version": 1, "run": RUN, "variant": "", "percent": 90},
            ],
        }
        project = make_project(tmp_path / "project", PROGRAM.format(outputs=outputs))
        assert (
            yard("up", "--yes", cwd=project, environment={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}).code
            == ExitStatus.SUCCESS
        )
        quick = ["--seconds", "0.2", "--warmup", "0", "--picture", str(picture)]
        status = run(["releases", *quick, "--json", "-C", str(project)], None)
        printed = capsys.readouterr()
    assert status == ExitStatus.CHANGES, printed.err
    found_accuracy, said = published.accuracy_of(worse[2]), published.accuracy[INT8]
    told = f"version 2 has accuracy {found_accuracy:.4f} through the server, and its manifest says {said:.4f}"
    assert f"yard: warning: {told}\n" in printed.err
    assert "<svg" in picture.read_text()
    found = json.loads(printed.out)
    assert found["differences"] == [told]
    assert [(each["version"], each["run"], each["variant"], each["percent"]) for each in found["releases"]] == [
        (1, RUN, "float32", 90),
        (2, RUN, INT8, 10),
    ]
    assert [each["differs"] for each in found["releases"]] == [False, True]
    assert [each["bytes"] for each in found["releases"]] == [published.bytes["float32"], published.bytes[INT8]]
    for each in found["releases"]:
        assert each["manifest"] == {"accuracy": published.accuracy[each["variant"]], "latency_ms": 0.25}
        assert 0 < each["latency"]["p50_ms"] <= each["latency"]["p95_ms"] <= each["latency"]["p99_ms"]
        assert each["full_batches"]["batch_size"] == 16
        assert each["full_batches"]["examples_per_second"] > 0
    assert object_cloud.environment["AWS_SECRET_ACCESS_KEY"] not in printed.out + printed.err


def test_accuracy_is_of_the_run_s_test_examples_through_the_server(
    published: Published, object_cloud: ObjectCloud
) -> None:
    asked: list[int] = []

    def counting(images: Any) -> Any:
        asked.append(len(images))
        return published.answers["float32"](images)

    with standing_in({1: counting, 2: published.answers[INT8]}) as address:
        (first, second), versions = measured(object_cloud, published, address, "", INT8)
    assert versions == {1, 2, 1_000_000}
    assert (first.correct, first.examples, first.accuracy) == (225, EXAMPLES, 0.9)
    assert second.accuracy == pytest.approx(published.accuracy[INT8])
    assert second.accuracy != first.accuracy
    assert asked[:16] == [*[16] * 15, 10]
    assert set(asked[16:]) == {1, 16}
    assert first.is_cached


def test_a_front_that_keeps_the_configuration_to_itself_is_asked_by_ever_smaller_batches(
    published: Published, object_cloud: ObjectCloud
) -> None:
    with standing_in({1: published.answers["float32"]}, largest_batch=5, tells_configuration=False) as address:
        (only,), _ = measured(object_cloud, published, address, "float32")
    assert (only.batch_size, only.accuracy, only.failure) == (4, 0.9, "")


def test_a_version_that_fails_does_not_keep_the_others_from_being_measured(
    published: Published, object_cloud: ObjectCloud
) -> None:
    with standing_in({1: None, 2: published.answers[INT8]}) as address:
        (first, second), _ = measured(object_cloud, published, address, "", INT8)
    assert "the version's process has ended" in first.failure
    assert (first.accuracy, first.single, first.examples_per_second) == (None, None, None)
    assert second.accuracy == pytest.approx(published.accuracy[INT8])
    assert not second.failure


def test_a_variant_that_was_not_published_is_told_with_those_that_were(
    published: Published, object_cloud: ObjectCloud
) -> None:
    with pytest.raises(ManifestError, match=rf"no variant 'float16'; published are: float32, {INT8}"):
        models_of(deployed(object_cloud, published), releases(published, "float16"))


def test_a_service_that_is_not_there_is_named(published: Published, object_cloud: ObjectCloud) -> None:
    with standing_in({}) as address:
        pass
    with pytest.raises(CommandError, match=f"digits at http://{address}: "):
        measured(object_cloud, published, address, "")
