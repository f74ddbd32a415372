"""Manifests of small workloads for the tests of the control plane: each on nodes of its namespace alone."""

from typing import Any

from tests.controlplane.api import Manifest

GPU = "nvidia.com/gpu"


def pod(namespace: str, name: str, **container: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "example.com/image:1", **container}]},
    }


def pod_on(namespace: str, name: str, *, gpus: int = 1, annotations: dict[str, str] | None = None) -> Manifest:
    """A pod for the nodes of its namespace; see `node`."""
    made = pod(namespace, name, resources={"limits": {GPU: str(gpus)}})
    made["metadata"]["annotations"] = annotations or {}
    made["spec"] |= {"nodeSelector": {"pool": namespace}, "tolerations": [toleration(namespace)]}
    return made


def job(namespace: str, name: str) -> Manifest:
    template = pod_on(namespace, name)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "template": {
                "metadata": {"labels": {"app": namespace}},
                "spec": template["spec"] | {"restartPolicy": "Never"},
            },
        },
    }


def queued(namespace: str, name: str, priority: str) -> Manifest:
    """A job for Kueue, which asks for a whole node and leaves it to the flavour to say which."""
    made = job(namespace, name)
    made["metadata"]["labels"] = {
        "kueue.x-k8s.io/queue-name": "jobs",
        "kueue.x-k8s.io/priority-class": f"{namespace}-{priority}",
    }
    made["spec"]["template"]["spec"] = pod(namespace, name, resources={"limits": {GPU: "8"}})["spec"]
    made["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    made["spec"]["suspend"] = True
    return made


def budget(namespace: str) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "all", "namespace": namespace},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": namespace}}},
    }


def deployment(namespace: str) -> Manifest:
    labels = {"app": namespace}
    template = {"metadata": {"labels": labels}, "spec": pod_on(namespace, "server")["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "server", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def autoscaler(namespace: str) -> Manifest:
    target = {"type": "AverageValue", "averageValue": "50m"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "server", "namespace": namespace},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"},
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": "queue_seconds"}, "target": target}}],
        },
    }


def role_binding(namespace: str, role: str, subject: Manifest) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def toleration(namespace: str) -> Manifest:
    return {"key": "pool", "operator": "Equal", "value": namespace, "effect": "NoSchedule"}
