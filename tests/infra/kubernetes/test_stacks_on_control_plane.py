"""The committed stacks as `yard render` writes them, on a real control plane: every object accepted, every pod admitted
under `restricted` and bound to a node of the right pool. Nodes are fake; they have what the pools are said to have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.aws import pool_facts as aws
from infra.gcp import pool_facts as gcp
from infra.kubernetes.node_pools import NodePool
from tests.cli.yard import yard
from tests.controlplane.api import Manifest, Refused
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes.cluster_stage import Stage
from tests.infra.kubernetes.manifests import schema_problems
from tests.infra.plan import make_project
from tests.infra.recorder import settings_of

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@dataclass(frozen=True)
class Rendered:
    """The manifests of a stack."""

    stack: str
    folder: Path
    manifests: list[Manifest]
    """In apply order."""

    def pod_templates(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Namespace and template of everything that makes pods."""
        for each in self.manifests:
            if each["kind"] in ("Job", "Deployment"):
                yield each["metadata"]["namespace"], each["spec"]["template"]

    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every container with its name, those of the start among them."""
        for _, template in self.pod_templates():
            for container in [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]:
                yield f"{template['metadata']['labels']['app.kubernetes.io/name']}/{container['name']}", container


def pools_of(stack: str) -> tuple[NodePool, ...]:
    """What the stack's nodes are said to have."""
    settings = settings_of(stack)
    return gcp.node_pools(settings.gcp) if settings.cloud == "gcp" else aws.node_pools(settings.aws)


@pytest.fixture(scope="module", params=["dev", "prod", "gcp-dev", "gcp-prod"])
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    stack = str(request.param)
    project, folder = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("rendered") / stack
    said = yard("render", "-s", stack, str(folder), cwd=make_project(project, stack))
    assert said.code == 0, said.out + said.err
    manifests = [yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yaml"))]
    return Rendered(stack, folder, manifests)


@pytest.fixture(scope="module")
def stage(rendered: Rendered, control_plane: ControlPlane) -> Iterator[Stage]:
    """A cluster with as many nodes of each pool as the stack can have, up to three."""
    stage = Stage(control_plane)
    for pool in pools_of(rendered.stack):
        for _ in range(min(pool.max_nodes, 3)):
            stage.add_node(pool)
    yield stage
    for names in stage.nodes.values():
        for name in names:
            control_plane.remove_node(name, evict=False)
    # What another stack has by the same name, and cannot be changed, or would hold back its pods.
    for each in rendered.manifests:
        if each["kind"] in ("StorageClass", "ResourceQuota"):
            control_plane.api.delete(each["kind"], each["metadata"]["name"], each["metadata"].get("namespace"))


def test_every_object_is_valid_in_three_versions_of_kubernetes(rendered: Rendered) -> None:
    assert schema_problems(rendered.manifests) == []


def test_every_container_has_its_share_and_its_image_by_digest(rendered: Rendered) -> None:
    for name, container in rendered.containers():
        resources = container["resources"]
        for amount in ("cpu", "memory", "ephemeral-storage"):
            assert amount in resources["requests"], name
            assert amount in resources["limits"], name
        assert "@sha256:" in container["image"], name


def test_every_container_that_serves_is_probed(rendered: Rendered) -> None:
    serving = [container for name, container in rendered.containers() if name in ("serving/server", "serving/front")]
    assert len(serving) == 2
    for container in serving:
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), container["name"]


def test_kubectl_accepts_all_of_it(rendered: Rendered, control_plane: ControlPlane) -> None:
    for each in rendered.manifests:
        # Nothing can be tried in a namespace that is not there.
        if each["kind"] == "Namespace":
            control_plane.apply([each])
    said = control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server",
        f"--filename={rendered.folder}", check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    assert len(said.stdout.splitlines()) == len(rendered.manifests)


def test_every_pod_is_admitted_under_restricted(rendered: Rendered, control_plane: ControlPlane) -> None:
    control_plane.apply([each for each in rendered.manifests if each["kind"] in ("Namespace", "ServiceAccount")])
    control_plane.apply([each for each in rendered.manifests if each["kind"] == "PriorityClass"])
    for namespace, template in rendered.pod_templates():
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        pod["metadata"] = {**template["metadata"], "name": "tried", "namespace": namespace}
        (admitted,) = control_plane.dry_run([pod])
        # And it is the standard that lets it pass, not its absence.
        admitted_spec = {**template["spec"], "hostNetwork": True}
        with pytest.raises(Refused, match='violates PodSecurity "restricted'):
            control_plane.dry_run([{**pod, "spec": admitted_spec}])
        assert admitted["spec"]["securityContext"]["runAsNonRoot"] is True


def test_its_pods_go_to_the_pools_that_they_are_for(rendered: Rendered, stage: Stage) -> None:
    team = "trainyard"
    stage.control_plane.apply(rendered.manifests)
    training = settings_of(rendered.stack).training.pods

    def bound() -> dict[str, list[str]] | None:
        nodes: dict[str, list[str]] = {}
        for pod in stage.control_plane.get("Pod", team):
            nodes.setdefault(pod["metadata"]["labels"]["app.kubernetes.io/name"], []).append(
                pod["spec"].get("nodeName", "")
            )
        there = {"training", "training-loader", "serving"} <= nodes.keys() and len(nodes["training"]) == training.nodes
        return nodes if there and not any("" in each for each in nodes.values()) else None

    found = stage.control_plane.wait_for(f"every pod of {rendered.stack} is bound", bound)
    pools = {name: {node.rpartition("-")[0] for node in nodes} for name, nodes in found.items()}
    assert pools["training"] == {"training"}
    assert pools["training-loader"] == {"system"}
    assert pools["serving"] == {"serving" if rendered.stack.endswith("prod") else "system"}
    assert len(set(found["training"])) == training.nodes
    stage.clear(team)
