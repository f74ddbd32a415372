"""Jobs on a real control plane with the real scheduler and Kueue: where their pods go, what interrupts them, what ends
them, and what is said of a job that waits. Nodes are fake, so nothing is computed.
"""

from collections.abc import Iterator

import pytest

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes.cluster_stage import Stage, node_of, set_up
from tests.infra.kubernetes.pools import BOUGHT, LARGE, SMALL, SYSTEM

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane) -> Iterator[Stage]:
    yield from set_up(control_plane, [(SYSTEM, 1), (SMALL, 2), (LARGE, 1), (BOUGHT, 1)])


@pytest.fixture
def team(stage: Stage) -> Iterator[str]:
    name = stage.team()
    yield name
    stage.clear(name)


def test_pods_go_to_nodes_that_fit_each_to_its_own_and_the_job_ends_with_them(stage: Stage, team: str) -> None:
    stage.run_job(team, nodes=2)
    pods = stage.pods(team, count=2)
    assert {node_of(pod) for pod in pods} == {*stage.nodes["small"]}
    assert {pod["spec"]["hostname"] for pod in pods} == {"training-0", "training-1"}
    for pod in pods:
        stage.control_plane.finish_pod(team, pod["metadata"]["name"])
    stage.condition(team, "Job", "Complete")


@pytest.mark.parametrize(("pods", "pool"), [({"gpus": 8}, "large"), ({"capacity": "on_demand"}, "bought")])
def test_a_job_runs_on_the_pool_of_its_size_and_capacity(
    stage: Stage, team: str, pods: dict[str, object], pool: str
) -> None:
    stage.run_job(team, **pods)
    (pod,) = stage.pods(team)
    assert node_of(pod) in stage.nodes[pool]


def test_a_job_without_gpus_stays_off_nodes_that_have_them(stage: Stage, team: str) -> None:
    stage.run_job(team, gpus=0, cpus=1, memory_gib=2, shared_memory_gib=0.5, scratch_gib=1)
    (pod,) = stage.pods(team)
    assert node_of(pod) in stage.nodes["system"]


def test_all_of_a_job_waits_in_its_queue_until_all_of_it_fits(stage: Stage, team: str) -> None:
    other = stage.team()
    stage.run_job(other, nodes=2, gpus=8, cpus=100, memory_gib=100)
    stage.run_job(team, nodes=2, gpus=8, cpus=100, memory_gib=100)
    said = stage.condition(team, "workloads.kueue.x-k8s.io", "QuotaReserved", "False")
    assert "insufficient unused quota for nvidia.com/gpu in flavor large" in said["message"]
    assert stage.control_plane.get("Pod", team) == []
    stage.clear(other)
    stage.condition(team, "workloads.kueue.x-k8s.io", "QuotaReserved", "True")


def test_the_more_important_job_goes_first_and_the_other_waits_for_it(stage: Stage, team: str) -> None:
    stage.run_job(team, "less", capacity="on_demand", priority="low")
    stage.run_job(team, "same", capacity="on_demand", priority="low")
    stage.condition(team, "workloads.kueue.x-k8s.io", "Admitted", name="same")
    stage.run_job(team, "more", capacity="on_demand", priority="high")
    said = stage.condition(team, "workloads.kueue.x-k8s.io", "Evicted")
    assert "Preempted" in said["reason"]
    stage.condition(team, "workloads.kueue.x-k8s.io", "Admitted", name="more")


def test_a_pod_that_no_node_has_room_for_says_why(stage: Stage, team: str) -> None:
    """Without a queue, as on a cluster that has none."""
    stage.run_job(team, queued=False, nodes=2, gpus=8, cpus=100, memory_gib=100)
    said = stage.condition(team, "Pod", "PodScheduled", "False")
    assert said["reason"] == "Unschedulable"
    assert "didn't match" in said["message"] or "Insufficient" in said["message"]


def test_what_an_interrupted_node_ran_goes_on_elsewhere_and_does_not_count(stage: Stage, team: str) -> None:
    stage.run_job(team, retries=0)
    (before,) = stage.pods(team)
    stage.remove_node(node_of(before))
    (after,) = stage.pods(team, but=before["metadata"]["name"])
    assert node_of(after) in stage.nodes["small"]
    assert node_of(after) != node_of(before)
    (job,) = stage.control_plane.get("Job", team)
    assert not job["status"].get("failedIndexes")
    stage.control_plane.finish_pod(team, after["metadata"]["name"])
    stage.condition(team, "Job", "Complete")
    stage.add_node(SMALL)


def test_a_pod_that_stopped_with_a_checkpoint_is_run_again_and_not_counted(stage: Stage, team: str) -> None:
    stage.run_job(team, retries=0)
    (first,) = stage.pods(team)
    stage.control_plane.finish_pod(team, first["metadata"]["name"], 75)
    (second,) = stage.pods(team, but=first["metadata"]["name"])
    (job,) = stage.control_plane.get("Job", team)
    assert not job["status"].get("failedIndexes")
    assert second["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] == "0"


def test_code_that_cannot_succeed_fails_the_job_at_once(stage: Stage, team: str) -> None:
    stage.run_job(team, retries=3)
    (pod,) = stage.pods(team)
    stage.control_plane.finish_pod(team, pod["metadata"]["name"], 2)
    said = stage.condition(team, "Job", "Failed")
    assert said["reason"] == "PodFailurePolicy"


def test_a_node_that_fails_too_often_fails_the_job(stage: Stage, team: str) -> None:
    stage.run_job(team, retries=0)
    (pod,) = stage.pods(team)
    stage.control_plane.finish_pod(team, pod["metadata"]["name"], 1)
    said = stage.condition(team, "Job", "Failed")
    assert said["reason"] == "MaxFailedIndexesExceeded"


def test_a_pool_that_grows_takes_the_job_that_waited_for_a_node(stage: Stage, team: str) -> None:
    """As the node autoscaler does it: the queue admits what the pool has room for at its largest."""
    stage.run_job(team, nodes=4)
    stage.condition(team, "Pod", "PodScheduled", "False")
    added = [stage.add_node(SMALL) for _ in range(2)]
    assert len(stage.pods(team, count=4)) == 4
    stage.clear(team)
    for name in added:
        stage.remove_node(name)
