"""A cache whose image tells no registry.

Caught by: kubernetes-image-registry
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "redis",
    metadata={"name": "redis", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "redis"}},
        "template": {
            "metadata": {"labels": {"app": "redis"}},
            "spec": {
                "serviceAccountName": "redis",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "redis",
                        "image": f"redis@sha256:{'b' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 6379}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 6379}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 6379}},
                    }
                ],
            },
        },
    },
)
