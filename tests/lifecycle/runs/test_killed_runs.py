"""Real runs here, of which one process is killed by SIGKILL: whichever it is, nothing is lost and nothing is left."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.ephemeral_runs import VICTIMS, Plan, leftovers, make_small_project, planned, processes_of, run_and_kill
from bench.suite import yard_command
from lifecycle.runs.folder import list_runs

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.xdist_group("killed-runs")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("killed").resolve()
    make_small_project(folder, ROOT)
    yield folder
    # Where a test has failed, what it left must not stay.
    for process in processes_of(folder):
        process.kill()


def test_a_run_whose_command_is_killed_is_resumed_to_its_end(project: Path) -> None:
    # By then the training runs, or is about to.
    found = run_and_kill(project, yard_command(), Plan(1, "yard", 6.0))
    assert found.problems == ()
    assert (found.killed[:4], found.begun, found.resumed) == ("yard", True, 1)
    folder = list_runs(project)[-1]
    record = folder.read()
    assert (record.outcome, record.resumed, record.leftovers) == ("succeeded", 1, ())
    manifest = json.loads((folder.artifacts / "manifest.json").read_text())
    assert [each["name"] for each in manifest["artifacts"]] == [each.name for each in record.artifacts]
    assert record.metrics["test_accuracy"] == manifest["metrics"]["test_accuracy"]
    assert "expires_at" not in (project / "Pulumi.bench.yaml").read_text()


@pytest.mark.slow
def test_a_run_whose_cloud_is_killed_is_finished(project: Path) -> None:
    # What it held is gone with it. `yard bench ephemeral-runs` kills all the others, too.
    found = run_and_kill(project, yard_command(), Plan(2, "server", 8.0))
    assert found.problems == ()
    assert found.killed.startswith("server")


def test_what_is_left_is_found(tmp_path: Path) -> None:
    left = tmp_path / ".pulumi" / "local" / "bench" / "training" / "log.txt"
    left.parent.mkdir(parents=True)
    left.touch()
    assert f"{left} is left" in leftovers(tmp_path)


def test_a_seed_says_who_is_killed_and_when() -> None:
    plans = [planned(seed, 20.0) for seed in range(200)]
    assert plans == [planned(seed, 20.0) for seed in range(200)]
    assert {plan.victim for plan in plans} == set(VICTIMS)
    assert all(0 <= plan.seconds <= 20 for plan in plans)
    assert 20 < sum(plan.reaps for plan in plans) < 80
