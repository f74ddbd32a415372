"""Draining on a real control plane: what goes and in which order, what stays, and what is said when something does
not go. A stand-in does what a cloud's controllers would.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from infra.kubernetes import drain_run
from infra.kubernetes.drain import DrainProvider
from infra.kubernetes.drain_run import DrainError
from tests.cli.yard import ROOT
from tests.controlplane.api import Manifest
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes import drained_cluster as plant
from tests.infra.kubernetes.drained_cluster import cloud_controllers

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@dataclass
class World:
    """Namespaces of a team and of somebody else, and a node."""

    control_plane: ControlPlane
    team: str
    foreign: str
    node: str

    def properties(self, seconds: float = 60) -> dict[str, object]:
        """What the resource has in the state."""
        kubeconfig = plant.administrators_kubeconfig(self.control_plane)
        return {
            "cluster": "here",
            "name": "test-cluster",
            "kubeconfig": kubeconfig,
            "teams": [self.team],
            "limit_minutes": seconds / 60,
        }

    def drain(self, seconds: float = 60) -> None:
        DrainProvider().delete("here", self.properties(seconds))

    def there(self, kind: str, namespace: str | None = None) -> set[str]:
        """Names of what is there and does not go."""
        found = self.control_plane.get(kind, namespace)
        return {each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]}

    def runs(self, namespace: str, app: str) -> Manifest:
        """Waits for the pod of a workload."""

        def running() -> Manifest | None:
            pods = self.control_plane.get("Pod", namespace, f"app={app}")
            return next((pod for pod in pods if pod["status"].get("phase") == "Running"), None)

        return self.control_plane.wait_for(f"{namespace}/{app} runs", running)

    def bound(self, namespace: str, claim: str) -> None:
        """Waits for a claim to have its volume."""

        def is_bound() -> bool:
            found = self.control_plane.api.get_one("PersistentVolumeClaim", claim, namespace) or {}
            return bool(found.get("status", {}).get("phase") == "Bound")

        self.control_plane.wait_for(f"{claim} is bound", is_bound)


@pytest.fixture
def world(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(drain_run, "POLL_SECONDS", 0.1)
    team, foreign = control_plane.namespace("drained"), control_plane.namespace("foreign")
    node = f"{team}-node"
    control_plane.add_node(node, {"kubernetes.io/hostname": node})
    made = World(control_plane, team, foreign, node)
    yield made
    # What a test that failed has left would hold up the next one.
    with cloud_controllers(control_plane):
        made.drain()
    for space in (team, foreign):
        control_plane.api.delete("Namespace", space)
    control_plane.remove_node(node, evict=False)


def test_all_goes_that_holds_something_of_the_cloud_in_the_order_in_which_it_can(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    team, foreign, node = world.team, world.foreign, world.node
    world.control_plane.add_node(f"{team}-spot", {"karpenter.sh/nodepool": team})
    world.control_plane.apply(
        [
            plant.node_pool(team),
            plant.node_claim(team, f"{team}-spot"),
            plant.job(team, "forgotten", node),
            plant.controller("Deployment", team, "notebook", node=node),
            *plant.disk(team, "scratch"),
            plant.load_balancer(team, "demo"),
            plant.load_balancer("kube-system", f"{team}-entrance"),
            plant.ingress(foreign, "site"),
            plant.gateway(foreign, "entrance"),
            *plant.disk(foreign, "measured"),
            plant.controller("StatefulSet", foreign, "prometheus", "measured", node),
            *plant.disk(foreign, "archive", policy="Retain"),
            plant.controller("Deployment", foreign, "console", node=node),
            plant.job(foreign, "report", node),
            plant.plain_service(foreign, "console"),
        ]
    )
    for namespace, app in ((team, "forgotten"), (team, "notebook"), (foreign, "prometheus"), (foreign, "console")):
        world.runs(namespace, app)
    for namespace, claim in ((team, "scratch"), (foreign, "measured"), (foreign, "archive")):
        world.bound(namespace, claim)
    with cloud_controllers(world.control_plane) as controllers:
        world.drain()
    order = [each for each in controllers.ended if team in each or foreign in each or each.endswith((" demo", " site"))]
    assert order[0] == "Ingress site"
    assert set(order[1:3]) == {"Service demo", f"Service {team}-entrance"}
    assert set(order[3:5]) == {f"PersistentVolume {team}-scratch", f"PersistentVolume {foreign}-measured"}
    assert order[5:] == [f"NodeClaim {team}-spot"]
    for kind in ("Job", "Deployment", "Pod", "PersistentVolumeClaim"):
        assert world.there(kind, team) == set(), kind
    assert f"{team}-spot" not in world.there("Node")
    assert team not in world.there("NodePool")
    # What belongs to nobody that is known, and holds nothing, ends with the nodes.
    assert world.there("Deployment", foreign) == {"console"}
    assert world.there("Service", foreign) == {"console"}
    assert world.there("Job", foreign) == {"report"}
    assert {pod.partition("-")[0] for pod in world.there("Pod", foreign)} == {"console", "report"}
    # Told to have no pods, since another would ask for its claim again.
    (stopped,) = world.control_plane.get("StatefulSet", foreign)
    assert stopped["spec"]["replicas"] == 0
    # Data that is to be kept is kept.
    assert f"{foreign}-archive" in world.there("PersistentVolume")
    world.control_plane.api.delete("PersistentVolume", f"{foreign}-archive")
    assert world.there("Gateway", foreign) == set()
    said = capfd.readouterr().out
    assert "draining test-cluster: load balancers: " in said
    assert f"Service {team}/demo (waits for {plant.LOAD_BALANCER})" in said
    assert "draining test-cluster: nodes of Karpenter" in said


def test_what_is_held_is_named_with_what_holds_it_and_a_second_run_finishes(world: World) -> None:
    team = world.team
    world.control_plane.apply([*plant.disk(team, "scratch"), plant.load_balancer(team, "demo")])
    world.bound(team, "scratch")
    with pytest.raises(DrainError) as raised:
        world.drain(seconds=0.6)
    message = str(raised.value)
    assert message.startswith("The cluster test-cluster is not drained after 0.01 minutes, so nothing below it")
    assert f"- Service {team}/demo (waits for {plant.LOAD_BALANCER})" in message
    # Also what had to wait for that, and was not begun.
    assert f"- PersistentVolumeClaim {team}/scratch (waits for kubernetes.io/pvc-protection)" in message
    assert {f"{item.kind.name} {item.name}" for item in raised.value.remaining} >= {
        "Service demo",
        "PersistentVolumeClaim scratch",
        f"PersistentVolume {team}-scratch",
    }
    assert world.there("PersistentVolumeClaim", team) == {"scratch"}
    with cloud_controllers(world.control_plane):
        world.drain()
    assert world.there("Service", team) == set()
    assert f"{team}-scratch" not in world.there("PersistentVolume")
    # And once more, of a cluster that has nothing left.
    world.drain()


def test_a_drain_that_is_killed_is_finished_by_the_next(world: World, tmp_path: Path) -> None:
    team = world.team
    world.control_plane.apply([*plant.disk(team, "scratch"), plant.load_balancer(team, "demo")])
    properties = tmp_path / "properties.json"
    properties.write_text(json.dumps(world.properties()))
    source = (
        "import json, pathlib; from infra.kubernetes.drain import DrainProvider; "
        f"DrainProvider().delete('here', json.loads(pathlib.Path({str(properties)!r}).read_text()))"
    )
    with subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE) as draining:
        world.control_plane.wait_for("the service is deleted", lambda: not world.there("Service", team))
        os.kill(draining.pid, signal.SIGKILL)
    assert draining.returncode == -signal.SIGKILL
    assert world.control_plane.get("Service", team)
    with cloud_controllers(world.control_plane):
        world.drain()
    assert world.control_plane.get("Service", team) == []
    assert world.there("PersistentVolumeClaim", team) == set()


def test_whoever_may_not_is_told_so_at_once(world: World) -> None:
    stranger = world.control_plane.kubeconfig_of("stranger")
    properties = world.properties() | {"kubeconfig": json.dumps(yaml.safe_load(stranger.read_text()))}
    with pytest.raises(DrainError, match=r"cannot be drained: .*User \"stranger\" cannot list resource .*HTTP 403"):
        DrainProvider().delete("here", properties)
