"""Rules for what a container may do to its node: the Pod Security Standard restricted, as to security contexts.

Source: Kubernetes, "Pod Security Standards", in the words of its admission controller (k8s.io/pod-security-admission
0.36). A container inherits what it does not say itself from its pod.
"""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.manifests import (
    WORKLOADS,
    called,
    containers_of,
    has_user_namespace,
    is_off,
    is_windows,
    pod_of,
    pod_template,
    security_setting,
)
from policies.resources import Resource
from policies.rules import resource_rule
from policies.values import any_holds, as_list, get, is_true, known

_SECCOMP_PROFILES = ("RuntimeDefault", "Localhost")
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-not-privileged",
    title="Containers are not privileged, nor are they processes of the node on Windows.",
    severity="critical",
    frameworks=("CKV_K8S_16", "CIS Kubernetes 1.8.0 5.2.2", "CIS Kubernetes 1.8.0 5.2.11", "NIST AC-6"),
    wrong="Whoever gets into the container then owns the node, and every other pod on it.",
    mend="leave out securityContext.privileged and windowsOptions.hostProcess, and ask for single devices instead.",
)
def container_not_privileged(workload: Resource) -> Iterator[str]:
    """A privileged container has all capabilities, all devices, and none of the confinement."""
    pod = pod_of(workload)
    with workload.apart():
        if is_true(get(pod, "securityContext", "windowsOptions", "hostProcess")):
            yield "Its pods are processes of the node."
    for container in containers_of(workload):
        with workload.apart():
            if is_true(get(container, "securityContext", "privileged")):
                yield f"{called(container)} is privileged."
        with workload.apart():
            if is_true(get(container, "securityContext", "windowsOptions", "hostProcess")):
                yield f"{called(container)} is a process of the node."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-no-privilege-escalation",
    title="No process of a container gets more privileges than the one that started it.",
    severity="high",
    frameworks=("CKV_K8S_20", "CIS Kubernetes 1.8.0 5.2.6", "NIST AC-6"),
    wrong="A program in the image with the setuid bit then makes root of any user.",
    mend="set securityContext.allowPrivilegeEscalation to false on each container.",
)
def container_no_privilege_escalation(workload: Resource) -> Iterator[str]:
    """Left out, it is true. The API server refuses false for a privileged container, which is a fault of its own."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        with workload.apart():
            if is_off(get(container, "securityContext", "allowPrivilegeEscalation")) or is_windows(pod):
                continue
            if not is_true(get(container, "securityContext", "privileged")):
                yield f"{called(container)} may gain privileges."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-non-root",
    title="Containers run as a user other than root.",
    severity="high",
    frameworks=("CKV_K8S_23", "CIS Kubernetes 1.8.0 5.2.7", "NIST AC-6"),
    wrong="Root in a container is root on the node as soon as one fence between them breaks.",
    mend="set securityContext.runAsNonRoot to true and runAsUser to a number above 0.",
)
def container_non_root(workload: Resource) -> Iterator[str]:
    """In a user namespace (hostUsers: false) root is nobody on the node, and Kubernetes allows it."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        with workload.apart():
            if not is_true(security_setting(pod, container, "runAsNonRoot")) and not has_user_namespace(pod):
                yield f"{called(container)} may run as root."
                continue
        with workload.apart():
            user = known(security_setting(pod, container, "runAsUser"))
            if user is not None and str(user) == "0" and not has_user_namespace(pod):
                yield f"{called(container)} runs as user 0, which is root."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-capabilities",
    title="Containers drop all capabilities, and take back none but that to bind low ports.",
    severity="high",
    frameworks=(
        *(f"CKV_K8S_{number}" for number in (25, 28, 37, 39)),
        *(f"CIS Kubernetes 1.8.0 5.2.{number}" for number in (8, 9, 10)),
        "NIST CM-7",
    ),
    wrong="A container has fourteen capabilities by default, such as to forge packets of its neighbours.",
    mend='set securityContext.capabilities.drop to ["ALL"], and add nothing but NET_BIND_SERVICE.',
)
def container_capabilities(workload: Resource) -> Iterator[str]:
    """Capabilities are of the container alone: the pod's security context has none."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        capabilities = get(container, "securityContext", "capabilities", default={})
        with workload.apart():
            dropped = as_list(get(capabilities, "drop"))
            if not any_holds(lambda each: bool(known(each) == "ALL"), dropped) and not is_windows(pod):
                yield f"{called(container)} does not drop all capabilities."
        with workload.apart():
            for added in as_list(get(capabilities, "add")):
                with workload.apart():
                    if known(added) != "NET_BIND_SERVICE":
                        yield f"{called(container)} adds capability {added}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-seccomp",
    title="System calls of containers are filtered.",
    severity="medium",
    frameworks=("CKV_K8S_31", "CIS Kubernetes 1.8.0 5.7.2", "NIST SC-39"),
    wrong="All of the kernel is then open to the container, with the calls that most break-outs need.",
    mend="set securityContext.seccompProfile.type to RuntimeDefault on the pod.",
)
def container_seccomp(workload: Resource) -> Iterator[str]:
    """Without a profile a container is unconfined, unless its node's kubelet has been told otherwise."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        with workload.apart():
            profile = known(security_setting(pod, container, "seccompProfile", "type"))
            if profile not in _SECCOMP_PROFILES and not is_windows(pod):
                yield f"{called(container)} has {'no seccomp profile' if not profile else f'profile {profile}'}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-confinement-kept",
    title="Containers keep the confinement that AppArmor and SELinux give them.",
    severity="high",
    frameworks=("CIS Kubernetes 1.8.0 5.7.3", "NIST SC-39"),
    wrong="The container is then let out of what holds it, whatever else is restricted.",
    mend="leave out appArmorProfile and seLinuxOptions, or name a container profile (container_t).",
)
def container_confinement_kept(workload: Resource) -> Iterator[str]:
    """Nodes confine containers by default. A custom SELinux user or role is refused as well."""
    pod = pod_of(workload)
    with workload.apart():
        for wrong in _unconfined(get(pod, "securityContext", default={})):
            yield f"Its pods have {wrong}."
    for container in containers_of(workload):
        with workload.apart():
            for wrong in _unconfined(get(container, "securityContext", default={})):
                yield f"{called(container)} has {wrong}."
    with workload.apart():
        for key, profile in known(get(pod_template(workload), "metadata", "annotations", default={})).items():
            with workload.apart():
                if key.startswith(_APPARMOR_ANNOTATION) and not _is_apparmor_profile(known(profile)):
                    yield f"Annotation {key} is {profile}."


def _unconfined(context: Any) -> Iterator[str]:
    profile = known(get(context, "appArmorProfile", "type"))
    if profile not in (None, "", "RuntimeDefault", "Localhost"):
        yield f"AppArmor profile {profile}"
    options = get(context, "seLinuxOptions", default={})
    if known(get(options, "type", default="")) not in _SELINUX_TYPES:
        yield f"SELinux type {get(options, 'type')}"
    for name in ("user", "role"):
        if known(get(options, name, default="")):
            yield f"an SELinux {name} of its own"


def _is_apparmor_profile(value: Any) -> bool:
    return not value or value == "runtime/default" or str(value).startswith("localhost/")


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-read-only-root",
    title="Containers cannot change their image's files.",
    severity="medium",
    frameworks=("CKV_K8S_22", "NIST CM-5"),
    wrong="An intruder can then change the program or leave another one beside it.",
    mend="set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where files are written.",
)
def container_read_only_root(workload: Resource) -> Iterator[str]:
    """Not a part of the Pod Security Standards, yet what keeps most malware from getting hold. Windows has no such."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        with workload.apart():
            if not is_true(get(container, "securityContext", "readOnlyRootFilesystem")) and not is_windows(pod):
                yield f"{called(container)} can write to its root file system."


RULES = (
    container_not_privileged,
    container_no_privilege_escalation,
    container_non_root,
    container_capabilities,
    container_seccomp,
    container_confinement_kept,
    container_read_only_root,
)
