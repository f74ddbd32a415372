"""What the pods of all charts have in common: where they run, what they may ask for, and what they may not do."""

from collections.abc import Mapping
from typing import Any

from infra.kubernetes.node_pools import GPU_RESOURCE
from infra.kubernetes.pod_security import container_security

CRITICAL = "system-cluster-critical"
NODE_CRITICAL = "system-node-critical"
"""The priorities of what other pods, and what a node cannot do without. Source: Kubernetes, "Guaranteed Scheduling For
Critical Add-On Pods"."""

GPU_TOLERATION: dict[str, str] = {"key": GPU_RESOURCE, "operator": "Exists"}
"""Lets a pod onto nodes with GPUs, whatever the value of their taint."""
ANY_TOLERATION: dict[str, str] = {"operator": "Exists"}

RESTRICTED_POD: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED_CONTAINER = container_security()
"""With that of the pod, the Pod Security Standard `restricted`, and a root file system that stays as it is."""


def resources(cpus: str, memory: str, *, most_cpus: str, most_memory: str) -> dict[str, Any]:
    """What a container asks for, and the most that it gets, as Kubernetes writes them."""
    return {
        "requests": {"cpu": cpus, "memory": memory},
        "limits": {"cpu": most_cpus, "memory": most_memory},
    }


def spread_over_nodes(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Pods with these labels are on different nodes where there are some."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
    ]


def of_release(release: str) -> dict[str, str]:
    """The label that pods of a release have by Helm's convention."""
    return {"app.kubernetes.io/instance": release}


def scraped(port: int, path: str = "/metrics") -> dict[str, str]:
    """Annotations by which Prometheus finds a pod's measurements."""
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": path}
