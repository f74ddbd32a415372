"""The benchmark of the main job: what counts as whose time. The job itself is run by the tests of the local stack."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench import main_job
from bench.main_job import Timeline, covered, phase_of, results

DYNAMIC = "urn:pulumi:bench::trainyard::trainyard:local:Platform$pulumi-python:dynamic/local"
intervals = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair))))


@given(intervals)
def test_what_intervals_cover_is_counted_once(chosen: list[tuple[int, int]]) -> None:
    assert covered(chosen) == len({second for begin, end in chosen for second in range(begin, end)})


@pytest.mark.parametrize(
    ("urn", "phase"),
    [
        (f"{DYNAMIC}:Cloud::local-cloud", "cloud"),
        (f"{DYNAMIC}:Bucket::datasets", "cloud"),
        (f"{DYNAMIC}:Job::training-loader", "loader"),
        (f"{DYNAMIC}:Job::training", "training"),
        (f"{DYNAMIC}:Service::serving", "serving"),
        ("urn:pulumi:bench::trainyard::pulumi:providers:pulumi-python::default", None),
        ("urn:pulumi:bench::trainyard::trainyard:training:TrainingJob::training", None),
        ("urn:pulumi:bench::trainyard::pulumi:pulumi:Stack::trainyard-bench", None),
    ],
)
def test_every_resource_belongs_to_a_phase(urn: str, phase: str | None) -> None:
    assert phase_of(urn) == phase


def test_the_engine_is_what_no_provider_explains() -> None:
    timeline = Timeline(began=100.0, previewed=101.0, ended=112.0)
    timeline.operations = {"cloud": [(102.0, 104.0), (103.0, 105.0)], "training": [(104.5, 110.0)]}
    assert timeline.total_seconds == 12
    assert timeline.engine_seconds == 4
    rows = {each.name: (each.value, each.met) for each in results(timeline, 2.5)}
    assert rows == {
        "main-job/preview": (1, None),
        "main-job/update": (11, None),
        "main-job/cloud": (3, None),
        "main-job/training": (5.5, None),
        "main-job/engine": (4, False),
        "main-job/total": (12, True),
        "main-job/destroy": (2.5, None),
    }


def test_the_benchmark_has_a_project_folder_of_its_own(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "bench"
    for path in (project / "infra", project / ".pulumi", project / ".venv-triton", project / "tests", folder):
        path.mkdir(parents=True)
    (project / "Pulumi.yaml").write_text("name: trainyard\n")
    (project / "Pulumi.local.yaml").write_text("config:\n  trainyard:owner: me\nencryptionsalt: v1:abc\n")
    main_job.make_project(folder, project)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".venv-triton",
        "Pulumi.bench.yaml",
        "Pulumi.yaml",
        "infra",
    ]
    assert yaml.safe_load((folder / "Pulumi.bench.yaml").read_text()) == {"config": {"trainyard:owner": "me"}}
