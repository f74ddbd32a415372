"""Two teams on a real control plane: each has its namespace and nothing of the other's.

What cannot be seen here is packets: the nodes are fake, so NetworkPolicies are accepted and not enforced.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kubernetes.settings import TeamSettings
from infra.kubernetes.teams import group_of
from tests.controlplane.api import Manifest, Refused
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixture import ON_CONTROL_PLANE, control_plane
from tests.infra.kubernetes.cluster_stage import Stage, set_up
from tests.infra.kubernetes.pools import SYSTEM

__all__ = ["control_plane"]
pytestmark = ON_CONTROL_PLANE


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane) -> Iterator[Stage]:
    yield from set_up(control_plane, [(SYSTEM, 1)])


@pytest.fixture(scope="module")
def research(stage: Stage) -> str:
    return stage.team(TeamSettings(gpus=2, cpus=4, memory_gib=16, pods=3))


@pytest.fixture(scope="module")
def vision(stage: Stage) -> str:
    return stage.team()


@pytest.fixture(scope="module")
def member(control_plane: ControlPlane, research: str) -> Path:
    """A member of the team research."""
    return control_plane.kubeconfig_of("ada", [group_of(research)])


def may(stage: Stage, member: Path, verb: str, resource: str, *where: str) -> bool:
    said = stage.control_plane.kubectl("auth", "can-i", verb, resource, *where, kubeconfig=member, check=False)
    return said.stdout.strip().startswith("yes")


def test_a_member_works_in_the_own_namespace(stage: Stage, member: Path, research: str) -> None:
    own = ("--namespace", research)
    assert may(stage, member, "create", "jobs.batch", *own)
    assert may(stage, member, "get", "pods/log", *own)
    assert may(stage, member, "list", "workloads.kueue.x-k8s.io", *own)
    created = stage.control_plane.kubectl("create", "configmap", "notes", "--from-literal=a=b", *own, kubeconfig=member)
    assert "created" in created.stdout


def test_a_member_sees_nothing_of_another_team(stage: Stage, member: Path, vision: str) -> None:
    for resource in ("pods", "jobs.batch", "configmaps", "services", "events", "serviceaccounts", "secrets"):
        said = stage.control_plane.kubectl("get", resource, "--namespace", vision, kubeconfig=member, check=False)
        assert "forbidden" in said.stderr.lower(), resource
    for verb, resource in (("create", "jobs.batch"), ("create", "pods/exec"), ("delete", "pods"), ("get", "pods/log")):
        assert not may(stage, member, verb, resource, "--namespace", vision), (verb, resource)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("delete", "networkpolicies.networking.k8s.io"),
        ("update", "resourcequotas"),
        ("create", "serviceaccounts/token"),
        ("update", "serviceaccounts"),
        ("impersonate", "serviceaccounts"),
    ],
)
def test_a_member_cannot_loosen_what_holds_the_team(
    stage: Stage, member: Path, research: str, verb: str, resource: str
) -> None:
    assert not may(stage, member, verb, resource, "--namespace", research)


def test_a_member_sees_of_the_whole_cluster_only_what_tells_of_nobody(stage: Stage, member: Path) -> None:
    assert may(stage, member, "get", "clusterqueues.kueue.x-k8s.io")
    for resource in ("namespaces", "nodes", "pods", "secrets", "workloads.kueue.x-k8s.io"):
        assert not may(stage, member, "list", resource, "--all-namespaces"), resource


def test_a_pod_of_one_team_has_no_right_in_either(stage: Stage, research: str, vision: str) -> None:
    for namespace in (research, vision):
        said = stage.control_plane.kubectl(
            "auth", "can-i", "get", "pods", "--namespace", namespace,
            f"--as=system:serviceaccount:{research}:training", check=False,
        )  # fmt: skip
        assert said.stdout.strip() == "no"


def pod(namespace: str, name: str, **container: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "main",
                    "image": "example.com/image",
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    **container,
                }
            ],
        },
    }


def test_a_team_gets_no_more_than_its_quota(stage: Stage, research: str) -> None:
    greedy = {"requests": {"nvidia.com/gpu": "3"}, "limits": {"nvidia.com/gpu": "3"}}
    with pytest.raises(Refused, match=r"exceeded quota: team, requested: requests.nvidia.com/gpu=3, .* limited: .*=2"):
        stage.control_plane.apply([pod(research, "greedy", resources=greedy)])


def test_a_container_that_asks_for_nothing_gets_a_small_share(stage: Stage, vision: str) -> None:
    (applied,) = stage.control_plane.apply([pod(vision, "modest")])
    (container,) = applied["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"] == "100m"
    assert container["resources"]["limits"]["memory"] == "1Gi"


def test_a_pod_with_more_rights_than_restricted_is_refused(stage: Stage, vision: str) -> None:
    with pytest.raises(Refused, match=r'violates PodSecurity "restricted:latest": privileged'):
        stage.control_plane.apply([pod(vision, "mighty", securityContext={"privileged": True})])


def test_no_team_opens_a_way_in_of_its_own(stage: Stage, vision: str) -> None:
    for kind in ("LoadBalancer", "NodePort"):
        manifest: Manifest = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "open", "namespace": vision},
            "spec": {"type": kind, "ports": [{"port": 80}], "selector": {"app": "x"}},
        }
        with pytest.raises(Refused, match="exceeded quota"):
            stage.control_plane.apply([manifest])
