"""A server that gets requests before it has read its model.

Caught by: kubernetes-container-readiness
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "model",
    metadata={"name": "model", "namespace": "vision"},
    spec={
        "selector": {"matchLabels": {"app": "model"}},
        "template": {
            "metadata": {"labels": {"app": "model"}},
            "spec": {
                "serviceAccountName": "model",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "model",
                        "image": f"registry.example.com/team/model@sha256:{'5' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 8080}],
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
                    }
                ],
            },
        },
    },
)
