"""What goes first where not all can go at once: three classes, below those that Kubernetes keeps for itself, and who
may have those.

Only a service pushes running pods off a node: it is small and somebody waits for it. Jobs are preempted by the queue,
which takes whole jobs and lets them write a checkpoint, never single pods.
"""

from collections.abc import Mapping

from infra.kubernetes.object import Manifest, namespaced
from infra.workload_settings import Priority

VALUES: Mapping[Priority, int] = {"low": 1000, "normal": 2000, "high": 10_000}
_SAYS: Mapping[Priority, str] = {
    "low": "Jobs that can wait, and that give way",
    "normal": "Jobs",
    "high": "Services, and jobs that cannot wait",
}


def priority_class(priority: Priority) -> str:
    """The name of the class."""
    return f"trainyard-{priority}"


def priority_class_manifests(labels: Mapping[str, str]) -> list[Manifest]:
    """The classes."""
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": priority_class(priority), "labels": dict(labels)},
            "value": value,
            "globalDefault": False,
            "preemptionPolicy": "PreemptLowerPriority" if priority == "high" else "Never",
            "description": _SAYS[priority],
        }
        for priority, value in VALUES.items()
    ]


OF_SYSTEM = ("system-node-critical", "system-cluster-critical")
MOST_CRITICAL_PODS = 15_000
"""More than a cluster has nodes: it allows, and does not limit."""


def critical_pods_manifest(namespace: str, labels: Mapping[str, str]) -> Manifest:
    """Lets pods of the system's own priorities into a namespace: GKE refuses them outside of `kube-system` unless a
    quota there names them.

    Source: Kubernetes, "Limit Priority Class consumption by default"; NVIDIA GPU Operator, "Google GKE".
    """
    in_classes = {"scopeName": "PriorityClass", "operator": "In", "values": list(OF_SYSTEM)}
    spec = {"hard": {"pods": str(MOST_CRITICAL_PODS)}, "scopeSelector": {"matchExpressions": [in_classes]}}
    return namespaced("v1", "ResourceQuota", namespace, "critical-pods", labels, {"spec": spec})
