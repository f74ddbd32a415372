"""A server whose image is named by a tag only.

Caught by: kubernetes-image-digest
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "billing",
    metadata={"name": "billing", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "billing"}},
        "template": {
            "metadata": {"labels": {"app": "billing"}},
            "spec": {
                "serviceAccountName": "billing",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "billing",
                        "image": "registry.example.com/shop/billing:2.3",
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
