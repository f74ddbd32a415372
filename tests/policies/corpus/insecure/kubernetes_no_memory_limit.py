"""A cache that grows as long as its node has memory.

Caught by: kubernetes-container-memory-limit
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "sessions",
    metadata={"name": "sessions", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "sessions"}},
        "template": {
            "metadata": {"labels": {"app": "sessions"}},
            "spec": {
                "serviceAccountName": "sessions",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "sessions",
                        "image": f"registry.example.com/team/sessions@sha256:{'8' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
                    }
                ],
            },
        },
    },
)
