"""The service's pods on a real control plane: on the right nodes, more of them when requests wait, and never too few.

Nodes are fake, and the metric is set by the test where Prometheus' adapter would tell it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.kubernetes.object import Manifest
from infra.kubernetes.service.manifests import service_manifests
from tests.controlplane.api import Refused
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.controlplane.metrics_api import serve_metrics
from tests.infra.kubernetes.cluster_stage import Stage, node_of, set_up
from tests.infra.kubernetes.manifests import resolved
from tests.infra.kubernetes.pools import BOUGHT, SMALL, SYSTEM
from tests.infra.kubernetes.service.settings_table import AROUND, IMAGE, NAME, TABLE, specification

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane) -> Iterator[Stage]:
    yield from set_up(control_plane, [(SYSTEM, 4), (SMALL, 1), (BOUGHT, 1)])


@pytest.fixture
def team(stage: Stage) -> Iterator[str]:
    name = stage.team()
    yield name
    stage.clear(name)


def serve(stage: Stage, team: str, row: str = "default", image: str = IMAGE, **changes: Any) -> None:
    around = replace(AROUND, namespace=team)
    stage.control_plane.apply(resolved(lambda: service_manifests(NAME, specification(row, **changes), image, around)))


def evict(stage: Stage, team: str, pod: Manifest) -> None:
    name = pod["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": team}}
    stage.control_plane.api.request("POST", f"/api/v1/namespaces/{team}/pods/{name}/eviction", body=body)


@pytest.mark.parametrize("row", TABLE)
def test_every_object_of_every_kind_of_service_is_accepted(stage: Stage, team: str, row: str) -> None:
    around = replace(AROUND, namespace=team)
    manifests = resolved(lambda: service_manifests(NAME, specification(row), IMAGE, around))
    assert len(stage.control_plane.dry_run(manifests)) == len(manifests)


def test_more_pods_come_when_requests_wait(stage: Stage, team: str) -> None:
    with serve_metrics(stage.control_plane) as metrics:
        metrics.set(team, "triton_queue_microseconds", "100")
        serve(stage, team)
        (first,) = stage.pods(team)
        assert node_of(first) in stage.nodes["system"]
        metrics.set(team, "triton_queue_microseconds", "90000")
        pods = stage.pods(team, count=3)
    assert {node_of(pod) for pod in pods} <= {*stage.nodes["system"]}


@pytest.mark.parametrize(("capacity", "pool"), [("spot", "small"), ("on_demand", "bought")])
def test_a_service_with_a_gpu_runs_on_the_pool_of_its_capacity(
    stage: Stage, team: str, capacity: str, pool: str
) -> None:
    pods = {"gpus": 1, "cpus": 2, "memory_gib": 8, "capacity": capacity}
    serve(stage, team, pods=pods, scaling={"min_pods": 1, "max_pods": 1})
    (pod,) = stage.pods(team)
    assert node_of(pod) in stage.nodes[pool]


def test_one_pod_at_a_time_may_be_taken_off_its_node(stage: Stage, team: str) -> None:
    serve(stage, team, "fixed")
    first, second = stage.pods(team, count=2)
    stage.condition(team, "PodDisruptionBudget", "DisruptionAllowed")
    for node in stage.nodes["system"]:
        stage.control_plane.api.patch("Node", node, {"spec": {"unschedulable": True}})
    try:
        evict(stage, team, first)
        stage.condition(team, "Pod", "PodScheduled", "False")
        with pytest.raises(Refused, match="it would violate the pod's disruption budget"):
            evict(stage, team, second)
    finally:
        for node in stage.nodes["system"]:
            stage.control_plane.api.patch("Node", node, {"spec": {"unschedulable": None}})
    assert len(stage.pods(team, count=2)) == 2
    stage.condition(team, "PodDisruptionBudget", "DisruptionAllowed")


def test_another_image_replaces_the_pods_and_there_are_never_fewer(stage: Stage, team: str) -> None:
    serve(stage, team, "fixed")
    before = {pod["metadata"]["name"] for pod in stage.pods(team, count=2)}
    available: list[int] = []
    stage.condition(team, "Deployment", "Available")
    serve(stage, team, "fixed", image=IMAGE.replace("1" * 64, "3" * 64))

    def rolled_out() -> bool:
        (deployment,) = stage.control_plane.get("Deployment", team)
        status = deployment["status"]
        available.append(status.get("availableReplicas", 0))
        seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
        return seen and status.get("updatedReplicas") == 2 and status.get("replicas") == 2 and available[-1] == 2

    stage.control_plane.wait_for("the new pods are there alone", rolled_out, seconds=120)
    assert min(available) >= 2
    assert not before & {pod["metadata"]["name"] for pod in stage.pods(team, count=2)}
