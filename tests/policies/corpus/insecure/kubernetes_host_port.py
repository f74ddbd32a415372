"""A metrics agent that listens on a port of every node.

Caught by: kubernetes-container-no-host-ports
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.DaemonSet(
    "metrics",
    metadata={"name": "metrics", "namespace": "monitoring"},
    spec={
        "selector": {"matchLabels": {"app": "metrics"}},
        "template": {
            "metadata": {"labels": {"app": "metrics"}},
            "spec": {
                "serviceAccountName": "metrics",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "metrics",
                        "image": f"registry.example.com/team/metrics@sha256:{'7' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 9100, "hostPort": 9100}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 9100}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 9100}},
                    }
                ],
            },
        },
    },
)
