"""`yard fleet schedule` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.cli.yard import ROOT, yard

JOBS = """\
jobs:
  - {name: prepare, hours: 1, gpus: 1, team: vision}
  - {name: train, hours: 6, gpus: 8, team: vision, after: [prepare]}
  - {name: tune, hours: 2, gpus: 4, team: language}
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A file of jobs, without nodes."""
    path = tmp_path / "jobs.yaml"
    path.write_text(JOBS)
    return path


def test_prints_every_scheduler_and_the_best_job_by_job(jobs: Path) -> None:
    result = yard("fleet", "schedule", str(jobs), "--nodes", "1x8:80", "--picture", "gantt.svg", cwd=jobs.parent)

    assert (result.code, result.err) == (0, "")
    assert "Simulated: 3 jobs on 1 node with 8 GPUs." in result.out
    for label in ("FIFO", "EASY backfill", "Conservative backfill", "Planned"):
        assert label in result.out
    assert "it is proven that none is shorter" in result.out
    assert "train" in (jobs.parent / "gantt.svg").read_text()


def test_prints_json_of_one_policy(jobs: Path) -> None:
    result = yard("fleet", "schedule", str(jobs), "--nodes", "1x8:80", "--policy", "optimal", "--json", cwd=jobs.parent)

    document = json.loads(result.out)
    assert [each["name"] for each in document["schedulers"]] == ["optimal"]
    assert document["schedulers"][0]["makespan_hours"] == 8
    assert document["plan"]["gap"] == 0


def test_takes_nodes_from_the_price_book(jobs: Path) -> None:
    result = yard(
        "fleet", "schedule", str(jobs), "--nodes", "1xaws:p4d.24xlarge", "--policy", "fifo", "--json", cwd=ROOT
    )

    assert result.code == 0
    assert json.loads(result.out)["nodes"][0]["gpus"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nodes: must be in the document, or given with --nodes"),
        (("--nodes", "eight"), "nodes = 'eight': must be COUNTxGPUS:GPU_MEMORY_GIB"),
        (("--nodes", "1x4:80"), "job 'train': needs 8 GPUs of one node, and the nodes have 4 of 80 GiB"),
        (("--nodes", "1x8:80", "--policy", "best"), "policy = 'best': must be one of all, fifo, backfill"),
        (("--nodes", "1x8:80", "--seconds", "-1"), "seconds = -1.0: must be a finite number, 0 or more"),
        (("--nodes", "1x8:80", "--picture", "gantt.bmp"), "must end in .png or .svg"),
    ],
)
def test_says_what_is_wrong_and_ends_with_two(jobs: Path, arguments: tuple[str, ...], message: str) -> None:
    result = yard("fleet", "schedule", str(jobs), *arguments, cwd=jobs.parent)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("yard: ")
    assert message in result.err
