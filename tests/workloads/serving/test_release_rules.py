"""What is told of releases without a server: which fit together, who answers what, and which changes are possible."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workload_settings import ServingSettings
from tests.workloads.serving.service_process import SIGNATURE
from trainyard_artifacts.manifest import (
    Artifact,
    CodeVersion,
    DataVersion,
    Encryption,
    Manifest,
    TensorSignature,
    Variant,
)
from trainyard_artifacts.specification import SpecificationError
from trainyard_serving.model_repository import UnservableModelError
from trainyard_serving.release import Release, releases_problems, split_of
from trainyard_serving.release_changes import CacheHistory, require_same_service
from trainyard_serving.release_folders import FetchedRelease, repository_folders
from trainyard_serving.specification import ServiceSpecification
from workloads.serving.component import service_specification

KEY = "aws-kms://arn:aws:kms:us-east-1:123456789012:key/b416a86a-7f4b-459f-887b-45d34490660f"


def release(version: int, percent: int, run: str = "0123456789ab") -> Release:
    return Release(version=version, manifest_uri=f"s3://models/digits/{run}/manifest.json", run=run, percent=percent)


def specification(*releases: Release, **changes: Any) -> ServiceSpecification:
    document = {
        "service": "digits",
        "job": "digits",
        "releases": releases,
        "encryption_key_uri": KEY,
        "model_name": "digits",
        "http_port": 8000,
        "grpc_port": 8001,
        "metrics_port": 8002,
        "work_dir": "/work",
        "max_batch_size": 64,
        "queue_delay_microseconds": 500,
    }
    return ServiceSpecification.model_validate(document | changes)


@st.composite
def fitting_releases(draw: st.DrawFn) -> list[Release]:
    versions = draw(st.lists(st.integers(1, 999_999), min_size=1, max_size=8, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(versions) - 1, max_size=len(versions) - 1)))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    return [release(*pair) for pair in zip(versions, shares, strict=True)]


@given(fitting_releases())
def test_requests_without_a_version_go_where_the_shares_say(releases: list[Release]) -> None:
    assert releases_problems(releases) == []
    split = split_of(releases)
    # Triton asks the highest version.
    answering = split or [max(releases, key=lambda each: each.version)]
    assert {each.version: each.percent for each in answering} == {
        each.version: each.percent for each in releases if each.percent
    }
    assert [each.version for each in answering] == sorted(each.version for each in answering)


@given(st.lists(st.builds(release, st.integers(1, 4), st.integers(0, 100)), max_size=6))
def test_what_does_not_fit_is_refused_alike_in_settings_and_specification(releases: Sequence[Release]) -> None:
    problems = releases_problems(releases)
    fits = len({each.version for each in releases}) == len(releases) and sum(each.percent for each in releases) == 100
    assert (problems == []) == fits
    asked = [{"version": each.version, "run": each.run, "percent": each.percent} for each in releases]
    if fits or not releases:
        settings = ServingSettings.model_validate({"releases": asked})
        assert len(settings.releases) == len(releases)
    else:
        with pytest.raises(ValueError, match="must have"):
            ServingSettings.model_validate({"releases": asked})
        with pytest.raises(ValueError, match=r"times|add up to 100"):
            specification(*releases)


def document_of(*releases: dict[str, Any]) -> list[dict[str, Any]]:
    document = service_specification(
        ServingSettings.model_validate({"releases": releases}),
        job="digits",
        run="0123456789ab",
        manifest_uri="s3://models/digits/0123456789ab/manifest.json",
        encryption_key_uri=KEY,
    )
    found: list[dict[str, Any]] = document["releases"]
    for each in found:
        Release.model_validate(each)
    return found


def test_settings_name_the_trained_run_and_earlier_ones() -> None:
    trained = {"manifest_uri": "s3://models/digits/0123456789ab/manifest.json", "run": "0123456789ab"}
    assert document_of() == [{"version": 1, **trained, "variant": "", "percent": 100}]
    canary = document_of(
        {"version": 1, "run": "ba9876543210", "percent": 90},
        {"version": 2, "percent": 10},
        {"version": 3, "run": "trained", "variant": "int8", "percent": 0},
    )
    earlier = {"manifest_uri": "s3://models/digits/ba9876543210/manifest.json", "run": "ba9876543210"}
    assert canary == [
        {"version": 1, **earlier, "variant": "", "percent": 90},
        {"version": 2, **trained, "variant": "", "percent": 10},
        {"version": 3, **trained, "variant": "int8", "percent": 0},
    ]


def test_only_releases_change_while_it_runs() -> None:
    old = specification(release(1, 100))
    require_same_service(old, specification(release(1, 50), release(2, 50)))
    with pytest.raises(SpecificationError, match=r"for the changes of http_port, max_batch_size$"):
        require_same_service(old, specification(release(1, 100), http_port=8010, max_batch_size=32))


def test_with_a_cache_no_number_comes_to_stand_for_another_model() -> None:
    cached = {"response_cache_bytes": 1 << 20}
    old, other = release(1, 100), release(1, 100, run="ba9876543210")
    history = CacheHistory(specification(old, **cached))
    history.require_new_numbers(specification(release(1, 0), release(2, 100), **cached))
    with pytest.raises(SpecificationError, match="what version 1 was before: use version numbers that are new"):
        history.require_new_numbers(specification(other, **cached))
    CacheHistory(specification(old)).require_new_numbers(specification(other))

    history.add(specification(release(1, 90), release(2, 10), **cached))
    history.add(specification(release(1, 0), release(2, 100), **cached))
    with pytest.raises(SpecificationError, match="what the split was before"):
        history.require_new_numbers(specification(release(1, 50), release(2, 50), **cached))


def fetched(each: Release, **changes: Any) -> FetchedRelease:
    manifest = Manifest(
        job="digits",
        run=each.run,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        data=DataVersion(index_sha256="0" * 64, train_examples=1, test_examples=1, shards=1),
        code=CodeVersion(package="trainyard-training", version="0.1.0", sources_sha256="0" * 64),
        frameworks={},
        metrics={},
        model=SIGNATURE.model_copy(update=changes),
        encryption=Encryption(key_uri=KEY, scheme="s"),
        artifacts=tuple(
            Artifact(name=name, object=f"{name}.tink", bytes=1, sha256="0" * 64, ciphertext_sha256="0" * 64)
            for name in ("model.onnx", "model-int8.onnx")
        ),
        variants=(
            Variant(name="float32", bytes=1, accuracy=1, latency_ms=1),
            Variant(name="int8", bytes=1, accuracy=1, latency_ms=1, artifact="model-int8.onnx"),
            Variant(name="float16", bytes=1, accuracy=1, latency_ms=1),
        ),
        chosen_variant="float32",
    )
    return FetchedRelease(each, manifest, f"/proc/self/fd/{each.version}")


def test_each_release_has_a_folder_and_the_split_has_those_that_share() -> None:
    releases = [release(1, 70), release(2, 30), release(9, 0)]
    folder = repository_folders(specification(*releases), [fetched(each) for each in releases])["digits"]
    assert folder.links == {
        "1/model.onnx": "/proc/self/fd/1",
        "2/model.onnx": "/proc/self/fd/2",
        "9/model.onnx": "/proc/self/fd/9",
        "1000000/1.onnx": "/proc/self/fd/1",
        "1000000/2.onnx": "/proc/self/fd/2",
    }
    listed = json.loads(folder.files["1000000/split.json"])
    assert [(each["version"], each["percent"]) for each in listed] == [(1, 70), (2, 30)]
    highest = release(4, 100)
    alone = repository_folders(specification(highest), [fetched(highest)])["digits"]
    assert {path.partition("/")[0] for path in alone.files} == {"4", "labels.txt"}


def test_releases_that_clients_could_tell_apart_are_refused_all_at_once() -> None:
    three = [release(1, 100), release(2, 0, run="b"), release(3, 0, run="c")]
    wide = TensorSignature(name="image", dtype="float32", shape=(None, 1, 9, 9))
    with pytest.raises(UnservableModelError) as refused:
        repository_folders(
            specification(*three), [fetched(three[0]), fetched(three[1], input=wide), fetched(three[2], labels=("a",))]
        )
    assert (
        "beside version 1 (run 0123456789ab) version 2 (run b) takes 'image' float32 [-1, 1, 9, 9], not 'image' float32"
        " [-1, 1, 8, 8]; version 3 (run c) has other labels"
    ) in str(refused.value)
