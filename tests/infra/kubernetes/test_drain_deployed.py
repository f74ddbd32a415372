"""The drain as a stack's resource: made without a cluster, not changed by a second `up`, and run by `yard destroy`."""

from pathlib import Path

import pytest

from tests.cli.yard import ROOT, make_project, yard
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes import drained_cluster as plant
from tests.infra.kubernetes.drained_cluster import cloud_controllers

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE

PROGRAM = """
import pathlib
import pulumi
from below import Below
from infra.kubernetes.drain import Drain, DrainArguments, DrainProvider

drain = Drain(
    "drain",
    DrainArguments(
        provider=DrainProvider(),
        cluster="here",
        name="test-cluster",
        kubeconfig=pathlib.Path("kubeconfig.json").read_text(),
        teams=[TEAM],
        limit_minutes=float(pulumi.Config().get("minutes") or 2),
    ),
    pulumi.ResourceOptions(depends_on=[Below("below")]),
)
"""
BELOW = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("below")

class Below(Resource, module="shop", name="Below"):
    def __init__(self, name):
        super().__init__(Provider(), name, {})
"""
"""What a cluster is to its content: it may not go before that."""


@pytest.fixture
def project(tmp_path: Path, control_plane: ControlPlane) -> tuple[Path, str]:
    team = control_plane.namespace("deployed")
    folder = tmp_path / "project"
    make_project(folder, PROGRAM.replace("TEAM", repr(team)))
    (folder / "below.py").write_text(BELOW)
    for name in ("infra", "planning"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "kubeconfig.json").write_text(plant.administrators_kubeconfig(control_plane))
    return folder, team


def test_a_destroy_drains_first_stops_where_it_cannot_and_goes_on_when_it_can(
    project: tuple[Path, str], control_plane: ControlPlane
) -> None:
    folder, team = project
    made = yard("up", "--yes", "-s", "local", cwd=folder)
    assert made.code == 0, made.out + made.err
    again = yard("preview", "-s", "local", "--expect-no-changes", cwd=folder)
    assert again.code == 0, again.out + again.err
    (state,) = (folder / ".pulumi" / "stacks").rglob("local.json")
    assert "127.0.0.1" not in state.read_text()
    assert "infra.kubernetes.drain" not in made.out
    shorter = "config:\n  shop:minutes: '0.01'\n"
    settings = (folder / "Pulumi.local.yaml").read_text()
    (folder / "Pulumi.local.yaml").write_text(settings.replace("config: {}\n", shorter))
    changed = yard("up", "--yes", "-s", "local", cwd=folder)
    assert changed.code == 0, changed.out + changed.err
    control_plane.apply([plant.load_balancer(team, "demo")])
    stopped = yard("destroy", "--yes", "-s", "local", cwd=folder)
    assert stopped.code != 0
    said = stopped.out + stopped.err
    assert "draining test-cluster: load balancers: " in said
    assert "The cluster test-cluster is not drained after 0.01 minutes, so nothing below it is deleted." in said
    assert f"- Service {team}/demo (waits for {plant.LOAD_BALANCER})" in said
    assert "shop:Below::below" in state.read_text()
    with cloud_controllers(control_plane):
        control_plane.wait_for("the cloud has mended", lambda: not control_plane.get("Service", team))
        destroyed = yard("destroy", "--yes", "-s", "local", cwd=folder)
    assert destroyed.code == 0, destroyed.out + destroyed.err
    assert "shop:Below::below" not in state.read_text()
