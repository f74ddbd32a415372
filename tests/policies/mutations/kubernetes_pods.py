"""What breaks each rule for pods and containers."""

from policies.kubernetes import containers, images, pods, privileges
from policies.kubernetes.manifests import DEPLOYMENT, JOB
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, changing, setting, without

POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
SECURITY = (*CONTAINER, "securityContext")
FRONT = (*POD, "initContainers", 1)
TRAINING = "trainyard-training"
IMAGE = "docker.io/library/python"


def _mount(kind: str, source: dict[str, str]) -> Mutation:
    volume = {"name": "more", kind: source}
    return Mutation("dev", changing(DEPLOYMENT, lambda it: it["spec"]["template"]["spec"]["volumes"].append(volume)))


MUTATIONS: dict[Rule, Mutation] = {
    pods.pod_no_host_namespaces: Mutation("prod", setting(JOB, True, *POD, "hostNetwork", name=TRAINING)),
    pods.pod_no_host_path: _mount("hostPath", {"path": "/var/lib/kubelet"}),
    pods.pod_volume_types: _mount("nfs", {"server": "10.0.0.9", "path": "/"}),
    pods.pod_safe_sysctls: Mutation(
        "dev",
        setting(DEPLOYMENT, [{"name": "net.core.somaxconn", "value": "9"}], *POD, "securityContext", "sysctls"),
    ),
    pods.container_no_host_ports: Mutation("prod", setting(DEPLOYMENT, 8080, *FRONT, "ports", 0, "hostPort")),
    pods.container_masked_proc: Mutation("dev", setting(JOB, "Unmasked", *SECURITY, "procMount")),
    pods.container_probes_itself: Mutation(
        "prod", setting(DEPLOYMENT, "169.254.169.254", *CONTAINER, "readinessProbe", "httpGet", "host")
    ),
    privileges.container_not_privileged: Mutation("dev", setting(JOB, True, *SECURITY, "privileged", name=TRAINING)),
    privileges.container_no_privilege_escalation: Mutation("dev", without(JOB, *SECURITY, "allowPrivilegeEscalation")),
    privileges.container_non_root: Mutation("dev", without(DEPLOYMENT, *POD, "securityContext", "runAsNonRoot")),
    privileges.container_capabilities: Mutation("prod", without(DEPLOYMENT, *FRONT, "securityContext", "capabilities")),
    privileges.container_seccomp: Mutation(
        "prod", without(JOB, *POD, "securityContext", "seccompProfile", name=TRAINING)
    ),
    privileges.container_confinement_kept: Mutation(
        "dev", setting(JOB, {"type": "Unconfined"}, *POD, "securityContext", "appArmorProfile")
    ),
    privileges.container_read_only_root: Mutation("dev", without(DEPLOYMENT, *SECURITY, "readOnlyRootFilesystem")),
    containers.container_cpu_request: Mutation(
        "dev",
        changing(DEPLOYMENT, lambda it: [each.pop("cpu") for each in _amounts_of(it["spec"]["template"]["spec"])]),
    ),
    containers.container_memory_limit: Mutation("dev", without(JOB, *CONTAINER, "resources", "limits", "memory")),
    containers.container_readiness: Mutation("dev", without(DEPLOYMENT, *FRONT, "readinessProbe")),
    containers.container_liveness: Mutation("dev", without(DEPLOYMENT, *FRONT, "livenessProbe")),
    containers.secrets_as_files: Mutation(
        "dev",
        setting(
            JOB,
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
            *CONTAINER,
            "env",
            0,
        ),
    ),
    images.image_digest: Mutation("dev", setting(JOB, f"{IMAGE}:3.11.9", *CONTAINER, "image")),
    images.image_not_latest: Mutation("dev", setting(JOB, f"{IMAGE}:latest", *CONTAINER, "image")),
    images.image_registry: Mutation("dev", setting(DEPLOYMENT, f"python@sha256:{'0' * 64}", *FRONT, "image")),
}


def _amounts_of(pod: dict[str, object]) -> list[dict[str, str]]:
    resources = pod["containers"][0]["resources"]  # type: ignore[index]
    return [resources["requests"], resources["limits"]]
