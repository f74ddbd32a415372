"""The control plane of the tests does what tests rely on: it refuses, schedules, evicts, queues and scales for real."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.controlplane.api import Manifest, Refused
from tests.controlplane.control_plane import EXIT_CODE_ANNOTATION, ControlPlane, NotSeen
from tests.controlplane.fixture import ON_CONTROL_PLANE
from tests.controlplane.metrics_api import serve_metrics
from tests.controlplane.samples import (
    GPU,
    autoscaler,
    budget,
    deployment,
    job,
    pod,
    pod_on,
    queued,
    role_binding,
    toleration,
)

pytestmark = ON_CONTROL_PLANE

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SECURE: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_pod_security_refuses_a_privileged_pod_and_takes_a_restricted_one(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("secure", RESTRICTED)
    with pytest.raises(Refused, match='violates PodSecurity "restricted:latest": privileged') as refused:
        control_plane.apply([pod(namespace, "root", securityContext={"privileged": True})])
    assert refused.value.status == 403
    control_plane.apply([pod(namespace, "user", securityContext=SECURE)])
    assert names(control_plane.get("Pod", namespace)) == ["user"]


def test_a_user_may_do_what_is_granted_in_one_namespace_and_see_nothing_of_another(control_plane: ControlPlane) -> None:
    ours, theirs = control_plane.namespace("ours"), control_plane.namespace("theirs")
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "team"}
    control_plane.apply([role_binding(ours, "view", subject)])
    kubeconfig = control_plane.kubeconfig_of("alice", ["team"])
    assert control_plane.kubectl("get", "pods", "-n", ours, kubeconfig=kubeconfig).returncode == 0
    with pytest.raises(Refused, match='User "alice" cannot list resource "pods" in API group "" in the namespace'):
        control_plane.kubectl("get", "pods", "-n", theirs, kubeconfig=kubeconfig)


def test_a_service_account_is_known_by_its_token(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("accounts")
    kubeconfig = control_plane.kubeconfig_of_account(namespace, "default")
    said = control_plane.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", kubeconfig=kubeconfig)
    assert said.stdout == f"system:serviceaccount:{namespace}:default"


def test_an_unknown_field_is_an_error_for_the_api_and_for_kubectl(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("strict")
    wrong = pod(namespace, "wrong")
    wrong["spec"]["restartPolice"] = "Never"
    unknown = r"spec\.restartPolice: field not declared in schema"
    for ask in (control_plane.apply, control_plane.dry_run):
        with pytest.raises(Refused, match=f"Pod wrong in namespace {namespace}: .*{unknown}"):
            ask([wrong])
    apply = ("apply", "--server-side", "--validate=strict", "--dry-run=server", "-f-")
    with pytest.raises(Refused, match=unknown):
        control_plane.kubectl(*apply, stdin=json.dumps(wrong))
    pool = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "wrong"}, "spec": {"temple": {}}}
    with pytest.raises(Refused, match=r"NodePool wrong: .*spec\.temple: field not declared in schema"):
        control_plane.dry_run([pool])


def test_a_dry_run_changes_nothing(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("dry")
    (seen,) = control_plane.dry_run([pod(namespace, "imagined")])
    assert seen["spec"]["tolerations"], "the server has not filled in its defaults"
    assert control_plane.get("Pod", namespace) == []


def test_the_kinds_of_every_project_are_served(control_plane: ControlPlane) -> None:
    for kind in (
        "clusterqueues.kueue.x-k8s.io",
        "nodepools.karpenter.sh",
        "ec2nodeclasses.karpenter.k8s.aws",
        "scaledobjects.keda.sh",
        "httproutes.gateway.networking.k8s.io",
        "podmonitors.monitoring.coreos.com",
    ):
        assert isinstance(control_plane.get(kind), list)
    with pytest.raises(Refused, match="knows no kind 'unicorns'"):
        control_plane.get("unicorns")


def test_a_fake_node_runs_pods_that_end_as_told(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("ends")
    with node(control_plane, namespace):
        told = {EXIT_CODE_ANNOTATION: "3"}
        control_plane.apply([pod_on(namespace, "long"), pod_on(namespace, "short", annotations=told)])
        assert wait_for_phase(control_plane, namespace, "long", "Running")["status"]["podIP"]
        assert exit_code(wait_for_phase(control_plane, namespace, "short", "Failed")) == 3
        control_plane.finish_pod(namespace, "long")
        assert exit_code(wait_for_phase(control_plane, namespace, "long", "Succeeded")) == 0


def test_a_pod_goes_to_no_node_that_lacks_what_it_asks_for(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("large")
    with node(control_plane, namespace, gpus=8):
        control_plane.apply([pod_on(namespace, "large", gpus=9)])
        condition = control_plane.wait_for("the scheduler gives up", lambda: unschedulable(control_plane, namespace))
    assert f"Insufficient {GPU}" in condition["message"]


def test_the_quota_of_a_namespace_holds(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("quota")
    control_plane.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "gpus", "namespace": namespace},
                "spec": {"hard": {f"requests.{GPU}": "1"}},
            }
        ]
    )
    quota = "the quota is counted"
    control_plane.wait_for(
        quota, lambda: control_plane.get("ResourceQuota", namespace)[0].get("status", {}).get("used")
    )
    with pytest.raises(Refused, match=f"exceeded quota: gpus, requested: requests.{GPU}=2"):
        control_plane.apply([pod_on(namespace, "two", gpus=2)])


def test_what_ran_on_a_removed_node_goes_on_elsewhere(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("spot")
    with node(control_plane, namespace, number=1):
        control_plane.apply([deployment(namespace)])
        first = control_plane.wait_for("it runs", lambda: running(control_plane, namespace))[0]
        assert first["spec"]["nodeName"] == f"{namespace}-1"
        with node(control_plane, namespace, number=2):
            control_plane.remove_node(f"{namespace}-1")
            second = control_plane.wait_for("it runs again", lambda: running(control_plane, namespace))[0]
            assert second["spec"]["nodeName"] == f"{namespace}-2"


def test_a_disruption_budget_holds_a_removal_up(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = control_plane.namespace("budget")
    with node(control_plane, namespace):
        control_plane.apply([job(namespace, "held"), budget(namespace)])
        pods = control_plane.wait_for("the job runs", lambda: running(control_plane, namespace))
        healthy = "currentHealthy"
        kind = "PodDisruptionBudget"
        control_plane.wait_for("the budget counts", lambda: status(control_plane, kind, namespace).get(healthy))
        ask = control_plane.wait_for
        monkeypatch.setattr(control_plane, "wait_for", lambda what, probe: ask(what, probe, seconds=0.5))
        with pytest.raises(NotSeen, match="has no pod any more"):
            control_plane.remove_node(f"{namespace}-1")
        assert names(running(control_plane, namespace)) == names(pods)


def test_kueue_admits_a_job_to_its_flavour_and_preempts_it_for_a_more_important_one(
    control_plane: ControlPlane,
) -> None:
    namespace = control_plane.namespace("queue")
    with node(control_plane, namespace, gpus=8), queue(control_plane, namespace, gpus=8):
        control_plane.apply([queued(namespace, "low", "low")])
        control_plane.wait_for("the job runs", lambda: running(control_plane, namespace, "low"))
        admitted = control_plane.api.get_one("Job", "low", namespace) or {}
        assert admitted["spec"]["suspend"] is False
        assert admitted["spec"]["template"]["spec"]["nodeSelector"] == {"pool": namespace}
        control_plane.apply([queued(namespace, "high", "high")])
        control_plane.wait_for("the other job runs", lambda: running(control_plane, namespace, "high"))
        preempted = control_plane.api.get_one("Job", "low", namespace) or {}
        assert preempted["spec"]["suspend"] is True
        assert running(control_plane, namespace, "low") == []


def test_kueues_own_webhooks_judge_its_objects(control_plane: ControlPlane) -> None:
    flavour = {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ResourceFlavor",
        "metadata": {"name": "wrong"},
        "spec": {"nodeLabels": {"not a label": "x"}},
    }
    with pytest.raises(Refused, match=r'admission webhook "vresourceflavor\.kb\.io" denied the request'):
        control_plane.apply([flavour])


def test_an_autoscaler_follows_the_metric_up_and_down(control_plane: ControlPlane) -> None:
    namespace = control_plane.namespace("scaled")
    with node(control_plane, namespace), serve_metrics(control_plane) as metrics:
        metrics.set(namespace, "queue_seconds", "140m")
        control_plane.apply([deployment(namespace), autoscaler(namespace)])
        control_plane.wait_for("it scales up", lambda: len(running(control_plane, namespace)) == 4)
        metrics.set(namespace, "queue_seconds", "1m")
        control_plane.wait_for("it scales down", lambda: len(running(control_plane, namespace)) == 1)


def test_waiting_in_vain_says_what_for(control_plane: ControlPlane) -> None:
    with pytest.raises(NotSeen, match=r"not seen within 0\.1 s: the moon is blue; the last answer was \[\]"):
        control_plane.wait_for("the moon is blue", lambda: control_plane.get("Pod", "blue-moon"), seconds=0.1)


def test_nothing_is_left_behind_by_a_parent_that_is_killed() -> None:
    source = f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.controlplane.processes import Processes
        processes = Processes()
        for number in range(3):
            processes.start(f"sleeper-{{number}}", ["sleep", "600"])
        print(processes.folder, flush=True)
        time.sleep(600)
        """
    with subprocess.Popen(python(source), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        folder = Path(parent.stdout.readline().strip())
        everybody = family(parent.pid, "sleep", 3)
        assert folder.is_dir()
        parent.kill()
    _, alive = psutil.wait_procs(everybody, timeout=60)
    assert alive == []
    assert not folder.exists()


@contextmanager
def node(control_plane: ControlPlane, namespace: str, *, number: int = 1, gpus: int = 8) -> Iterator[None]:
    """A node with GPUs for the pods of one namespace and for no others."""
    name = f"{namespace}-{number}"
    taint = {"key": "pool", "value": namespace, "effect": "NoSchedule"}
    control_plane.add_node(name, {"pool": namespace}, [taint], {GPU: str(gpus)}, "zone-a")
    try:
        yield
    finally:
        control_plane.remove_node(name, evict=False)


@contextmanager
def queue(control_plane: ControlPlane, namespace: str, *, gpus: int) -> Iterator[None]:
    """A local queue `jobs` in the namespace, whose flavour is the namespace's nodes; and two priorities."""
    version = "kueue.x-k8s.io/v1beta2"
    quota = [{"name": GPU, "nominalQuota": gpus}]
    group = {"coveredResources": [GPU], "flavors": [{"name": namespace, "resources": quota}]}
    named = {"metadata": {"name": namespace}}
    preemption = {"withinClusterQueue": "LowerPriority"}
    flavour = {"nodeLabels": {"pool": namespace}, "tolerations": [toleration(namespace)]}
    cluster_queue = {"namespaceSelector": {}, "preemption": preemption, "resourceGroups": [group]}
    control_plane.apply(
        [
            {"apiVersion": version, "kind": "ResourceFlavor", **named, "spec": flavour},
            {"apiVersion": version, "kind": "ClusterQueue", **named, "spec": cluster_queue},
            {
                "apiVersion": version,
                "kind": "LocalQueue",
                "metadata": {"name": "jobs", "namespace": namespace},
                "spec": {"clusterQueue": namespace},
            },
            *(
                {
                    "apiVersion": version,
                    "kind": "WorkloadPriorityClass",
                    "metadata": {"name": f"{namespace}-{name}"},
                    "value": value,
                    "description": name,
                }
                for name, value in (("low", 1), ("high", 2))
            ),
        ]
    )
    yield


def running(control_plane: ControlPlane, namespace: str, job: str | None = None) -> list[Manifest]:
    pods = control_plane.get("Pod", namespace, f"job-name={job}" if job else None)
    alive = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
    return [each for each in alive if each["status"].get("phase") == "Running"]


def wait_for_phase(control_plane: ControlPlane, namespace: str, name: str, phase: str) -> Manifest:
    def found() -> Manifest | None:
        seen = control_plane.api.get_one("Pod", name, namespace)
        return seen if seen and seen["status"].get("phase") == phase else None

    return control_plane.wait_for(f"pod {name} is {phase}", found)


def unschedulable(control_plane: ControlPlane, namespace: str) -> Manifest | None:
    for each in control_plane.get("Pod", namespace):
        for condition in each["status"].get("conditions", []):
            if condition.get("reason") == "Unschedulable":
                found: Manifest = condition
                return found
    return None


def status(control_plane: ControlPlane, kind: str, namespace: str) -> Manifest:
    """The status of the only object of a kind in a namespace."""
    (found,) = control_plane.get(kind, namespace)
    seen: Manifest = found.get("status", {})
    return seen


def exit_code(finished: Manifest) -> int:
    code: int = finished["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    return code


def names(objects: list[Manifest]) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def family(parent: int, name: str, count: int) -> list[psutil.Process]:
    """All processes below one, as soon as so many of them have this name."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        everybody = psutil.Process(parent).children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            if sum(process.name() == name for process in everybody) == count:
                return everybody
        time.sleep(0.02)
    raise AssertionError(f"no {count} processes {name}")


def python(source: str) -> list[str]:
    lines = source.splitlines()
    return [sys.executable, "-c", "\n".join(line.removeprefix(" " * 8) for line in lines)]
