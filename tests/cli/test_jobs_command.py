"""`yard jobs` against a real control plane with Kueue: what a member of a team is told of the team's jobs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kubernetes.teams import group_of
from tests.cli.yard import Result, yard
from tests.controlplane.build import find_or_build
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes.cluster_stage import Stage, set_up
from tests.infra.kubernetes.pools import BOUGHT, SMALL

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane) -> Iterator[Stage]:
    yield from set_up(control_plane, [(SMALL, 2), (BOUGHT, 1)])


@pytest.fixture
def team(stage: Stage) -> Iterator[str]:
    name = stage.team()
    yield name
    stage.clear(name)


def ask(stage: Stage, team: str, *arguments: str) -> Result:
    """As a member of the team asks."""
    kubeconfig = stage.control_plane.kubeconfig_of("ada", [group_of(team)])
    return yard(
        "jobs", "--team", team, "--kubeconfig", str(kubeconfig), *arguments,
        environment={"PATH": str(Path(find_or_build().program("kubectl")).parent)},
    )  # fmt: skip


def told(stage: Stage, team: str) -> dict[str, Any]:
    said = ask(stage, team, "--json")
    assert said.code == 0, said.err
    return {job["name"]: job for job in json.loads(said.out)["jobs"]}


def test_a_job_that_runs_is_shown_with_its_nodes(stage: Stage, team: str) -> None:
    stage.run_job(team, nodes=2)
    stage.pods(team, count=2)
    job = told(stage, team)["training"]
    assert (job["state"], job["running"], job["queue"], job["reason"]) == ("running", 2, "spot", "")
    assert job["nodes"] == sorted(stage.nodes["small"])


def test_a_job_that_waits_says_why(stage: Stage, team: str) -> None:
    stage.run_job(team, "first", capacity="on_demand")
    stage.run_job(team, "second", capacity="on_demand", cpus=3.5)
    stage.run_job(team, "third", capacity="on_demand")
    stage.condition(team, "workloads.kueue.x-k8s.io", "QuotaReserved", "False", name="third")
    said = ask(stage, team)
    assert "third" in said.out
    assert "insufficient unused quota for" in said.out
    # Admitted, since the pool could grow, but there is no node yet.
    stage.condition(team, "Pod", "PodScheduled", "False")
    starting = [job for job in told(stage, team).values() if job["state"] == "starting"]
    assert starting
    assert "Unschedulable" in starting[0]["reason"]


def test_a_job_that_failed_says_why(stage: Stage, team: str) -> None:
    stage.run_job(team)
    (pod,) = stage.pods(team)
    stage.control_plane.finish_pod(team, pod["metadata"]["name"], 2)
    stage.condition(team, "Job", "Failed")
    job = told(stage, team)["training"]
    assert job["state"] == "failed"
    assert "PodFailurePolicy" in job["reason"]


def test_a_team_without_jobs_and_a_stranger_are_told_so(stage: Stage, team: str) -> None:
    assert ask(stage, team).out == f"There is no job in {team}.\n"
    said = ask(stage, team, "--team", "kube-system")
    assert said.code == 1
    assert "the cluster did not tell the jobs.batch of kube-system: Error from server (Forbidden)" in said.err
