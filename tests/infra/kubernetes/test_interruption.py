"""A spot node's last two minutes, on a real control plane: the notice takes the node's pods, the job counts no failure,
its pods meet again on other nodes, and the job ends.

The node gets what aws-node-termination-handler does to it: its taint, a cordon, and an eviction of each pod. Sources:
its `pkg/node/node.go` (TaintSpotItn, CordonAndDrain); Kubernetes, "Disruptions" (pod disruption conditions), and "Jobs"
(backoff limit per index).
"""

from collections.abc import Iterator

import pytest

from tests.controlplane.api import Manifest
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes.cluster_stage import Stage, node_of, set_up
from tests.infra.kubernetes.pools import SMALL

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE

TAINT = {"key": "aws-node-termination-handler/spot-itn", "value": "1", "effect": "NoSchedule"}
HELD = "trainyard.test/held"
"""A finalizer by which a pod is still there to be looked at."""
WITHOUT_ITS_PEERS = 75
BATCH = "batch.kubernetes.io"


@pytest.fixture
def stage(control_plane: ControlPlane) -> Iterator[Stage]:
    yield from set_up(control_plane, [(SMALL, 3)])


@pytest.fixture
def team(stage: Stage) -> Iterator[str]:
    name = stage.team()
    yield name
    stage.clear(name)


def give_notice(stage: Stage, node: str, pod: Manifest) -> None:
    """What is done to a node, and to a pod of it, in the minutes between the notice and the node's end."""
    api, metadata = stage.control_plane.api, pod["metadata"]
    taints = (api.get_one("Node", node) or {})["spec"].get("taints", [])
    api.patch("Node", node, {"spec": {"unschedulable": True, "taints": [*taints, TAINT]}})
    name, namespace = metadata["name"], metadata["namespace"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    api.request("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body=eviction)


def hold(stage: Stage, pod: Manifest, *, on: bool) -> None:
    """Keeps a pod from vanishing once it has stopped, or lets go of it."""
    api, metadata = stage.control_plane.api, pod["metadata"]
    now = (api.get_one("Pod", metadata["name"], metadata["namespace"]) or pod)["metadata"].get("finalizers", [])
    finalizers = [each for each in now if each != HELD] + ([HELD] if on else [])
    api.patch("Pod", metadata["name"], {"metadata": {"finalizers": finalizers}}, metadata["namespace"])


def test_a_group_that_loses_a_spot_node_meets_again_on_others_and_ends(stage: Stage, team: str) -> None:
    control_plane = stage.control_plane
    stage.run_job(team, queued=False, nodes=2, retries=0)
    first, second = stage.pods(team, count=2)
    lost = node_of(first)
    hold(stage, first, on=True)
    give_notice(stage, lost, first)

    def stopped() -> Manifest | None:
        pod = control_plane.api.get_one("Pod", first["metadata"]["name"], team)
        return pod if pod and pod["status"]["phase"] == "Failed" else None

    try:
        pod = control_plane.wait_for("the evicted pod has stopped", stopped)
    finally:
        hold(stage, first, on=False)
    (disruption,) = (each for each in pod["status"]["conditions"] if each["type"] == "DisruptionTarget")
    assert (disruption["status"], disruption["reason"]) == ("True", "EvictionByEvictionAPI")
    # Its peer notices, and stops with the checkpoint that both have.
    control_plane.finish_pod(team, second["metadata"]["name"], WITHOUT_ITS_PEERS)
    names = {each["metadata"]["name"] for each in (first, second)}

    def met() -> list[Manifest] | None:
        running = [each for each in control_plane.get("Pod", team) if each["status"].get("phase") == "Running"]
        again = [each for each in running if each["metadata"]["name"] not in names]
        return again if len(again) == 2 else None

    again = control_plane.wait_for("both pods run anew", met)
    assert lost not in {node_of(each) for each in again}
    assert len({node_of(each) for each in again}) == 2
    # The same members of the group, by the names that they find each other by, and none has used up a try.
    assert {each["spec"]["hostname"] for each in again} == {first["spec"]["hostname"], second["spec"]["hostname"]}
    for each in again:
        annotations = each["metadata"]["annotations"]
        assert annotations[f"{BATCH}/job-index-failure-count"] == "0"
        assert annotations[f"{BATCH}/job-index-ignored-failure-count"] == "1"
    stage.remove_node(lost)
    for each in again:
        control_plane.finish_pod(team, each["metadata"]["name"])
    stage.condition(team, "Job", "Complete")
    (job,) = control_plane.get("Job", team)
    assert job["status"]["completedIndexes"] == "0,1"
    assert not job["status"].get("failedIndexes")
