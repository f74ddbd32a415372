"""Rules for what of its node a pod reaches: the Pod Security Standard restricted, as to namespaces, volumes and ports.

Source: Kubernetes, "Pod Security Standards", in the words of its admission controller (k8s.io/pod-security-admission
0.36).
"""

from collections.abc import Iterator

from policies.kubernetes.manifests import (
    PERSISTENT_VOLUME,
    WORKLOADS,
    called,
    containers_of,
    has_user_namespace,
    pod_of,
)
from policies.resources import Resource
from policies.rules import resource_rule
from policies.values import as_list, get, is_true, known

_HOST_NAMESPACES = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "shared memory"}
_RESTRICTED_VOLUMES = {
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
}
_SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")


@resource_rule(
    *WORKLOADS,
    id="kubernetes-pod-no-host-namespaces",
    title="Pods share neither the network nor the processes nor the shared memory of their node.",
    severity="high",
    frameworks=(
        *(f"CKV_K8S_{number}" for number in (17, 18, 19)),
        *(f"CIS Kubernetes 1.8.0 5.2.{number}" for number in (3, 4, 5)),
        "NIST SC-39",
    ),
    wrong="The pod can then read what its neighbours send and hold, and NetworkPolicies do not apply to it.",
    mend="leave out hostNetwork, hostPID and hostIPC.",
)
def pod_no_host_namespaces(workload: Resource) -> Iterator[str]:
    """In the node's network a pod reaches the instance's credentials and the kubelet as the node does."""
    pod = pod_of(workload)
    for name, what in _HOST_NAMESPACES.items():
        with workload.apart():
            if is_true(get(pod, name)):
                yield f"Its pods share the node's {what} ({name})."


@resource_rule(
    *WORKLOADS,
    PERSISTENT_VOLUME,
    id="kubernetes-pod-no-host-path",
    title="Pods mount no directory of their node.",
    severity="critical",
    frameworks=("CKV_K8S_27", "CIS Kubernetes 1.8.0 5.2.12", "NIST AC-6"),
    wrong="With the node's files a pod has its credentials, its container runtime, and the data of its neighbours.",
    mend="use an emptyDir, a persistentVolumeClaim, or a local volume that the cluster's storage gives.",
)
def pod_no_host_path(workload: Resource) -> Iterator[str]:
    """Read-only is no better: the kubelet's key and every pod's secrets lie there. Nor is it by way of a claim: a
    volume of type hostPath is for a cluster of one node, and Kubernetes' "Persistent Volumes" wants `local` elsewhere.
    """
    if workload.type == PERSISTENT_VOLUME:
        path = known(workload.get("spec", "hostPath"))
        if path is not None:
            yield f"The volume is the node's {get(path, 'path', default='disk')}."
        return
    for volume in as_list(get(pod_of(workload), "volumes")):
        with workload.apart():
            path = known(get(volume, "hostPath"))
            if path is not None:
                yield f"Volume '{get(volume, 'name', default='')}' is the node's {get(path, 'path', default='disk')}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-pod-volume-types",
    title="Pods mount storage by way of claims, not by its address.",
    severity="medium",
    frameworks=("CIS Kubernetes 1.8.0 5.7.3", "NIST AC-3"),
    wrong="Whoever may make a pod can then mount any disk or share that the nodes reach.",
    mend="make a PersistentVolume of the storage, and mount it with a persistentVolumeClaim.",
)
def pod_volume_types(workload: Resource) -> Iterator[str]:
    """The node's own files are a rule for themselves."""
    for volume in as_list(get(pod_of(workload), "volumes")):
        with workload.apart():
            for kind in sorted(_RESTRICTED_VOLUMES.intersection(known(volume) or ())):
                with workload.apart():
                    if known(get(volume, kind)) is not None:
                        yield f"Volume '{get(volume, 'name', default='')}' is of type {kind}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-pod-safe-sysctls",
    title="Pods change no kernel parameter that other pods feel.",
    severity="medium",
    frameworks=("CIS Kubernetes 1.8.0 5.7.3", "NIST CM-7"),
    wrong="The kernel is the node's: one pod's parameter slows down, opens or ends the others.",
    mend="leave the parameter out of securityContext.sysctls, and set it for a pool of nodes that needs it.",
)
def pod_safe_sysctls(workload: Resource) -> Iterator[str]:
    """Safe are those that are kept apart for each pod."""
    for sysctl in as_list(get(pod_of(workload), "securityContext", "sysctls")):
        with workload.apart():
            name = known(get(sysctl, "name"))
            if name not in _SAFE_SYSCTLS:
                yield f"Its pods set {name}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-no-host-ports",
    title="Containers do not listen on ports of their node.",
    severity="medium",
    frameworks=("CKV_K8S_26", "CIS Kubernetes 1.8.0 5.2.13", "NIST SC-7"),
    wrong="The port is then open on the node's own address, past Services and NetworkPolicies.",
    mend="leave out hostPort, and let others in by a Service.",
)
def container_no_host_ports(workload: Resource) -> Iterator[str]:
    """It also keeps a second pod off the node."""
    for container in containers_of(workload):
        with workload.apart():
            for port in as_list(get(container, "ports")):
                with workload.apart():
                    if known(get(port, "hostPort", default=0)) not in (0, "0"):
                        yield f"{called(container)} listens on port {get(port, 'hostPort')} of the node."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-masked-proc",
    title="What /proc tells of the node stays masked in containers.",
    severity="high",
    frameworks=("CIS Kubernetes 1.8.0 5.7.3", "NIST SC-39"),
    wrong="The container then sees, and in part changes, the kernel of its node.",
    mend="leave out securityContext.procMount, or set hostUsers to false.",
)
def container_masked_proc(workload: Resource) -> Iterator[str]:
    """In a user namespace an unmasked /proc shows nothing that is not the pod's own."""
    pod = pod_of(workload)
    for container in containers_of(workload):
        with workload.apart():
            mount = known(get(container, "securityContext", "procMount"))
            if mount not in (None, "", "Default") and not has_user_namespace(pod):
                yield f"{called(container)} has procMount {mount}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-probes-itself",
    title="Probes and hooks of a container call no other address than its own.",
    severity="medium",
    frameworks=("CIS Kubernetes 1.8.0 5.7.3", "NIST SC-7"),
    wrong="The kubelet would call the address from the node's network, which the pod may not reach itself.",
    mend="leave out `host` in httpGet and tcpSocket.",
)
def container_probes_itself(workload: Resource) -> Iterator[str]:
    """Part of the standard from Kubernetes 1.34. Without a host, the pod's own address is called."""
    for container in containers_of(workload):
        handlers = {probe: get(container, probe) for probe in _PROBES}
        handlers |= {hook: get(container, "lifecycle", hook) for hook in _HOOKS}
        for name, handler in handlers.items():
            if handler is None:
                continue
            for way in ("httpGet", "tcpSocket"):
                with workload.apart():
                    if host := known(get(handler, way, "host", default="")):
                        yield f"{called(container)} has a {name} that calls {host}."


RULES = (
    pod_no_host_namespaces,
    pod_no_host_path,
    pod_volume_types,
    pod_safe_sysctls,
    container_no_host_ports,
    container_masked_proc,
    container_probes_itself,
)
