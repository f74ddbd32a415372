"""A server that runs as its namespace's default service account.

Caught by: kubernetes-pod-own-service-account
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "shipping",
    metadata={"name": "shipping", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "shipping"}},
        "template": {
            "metadata": {"labels": {"app": "shipping"}},
            "spec": {
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "shipping",
                        "image": f"registry.example.com/team/shipping@sha256:{'8' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
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
