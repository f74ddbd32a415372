"""A server with its database's password in an environment variable.

Caught by: kubernetes-secrets-as-files
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "orders",
    metadata={"name": "orders", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "orders"}},
        "template": {
            "metadata": {"labels": {"app": "orders"}},
            "spec": {
                "serviceAccountName": "orders",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "orders",
                        "image": f"registry.example.com/team/orders@sha256:{'6' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
                        "env": [
                            {
                                "name": "DATABASE_PASSWORD",
                                "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}},
                            }
                        ],
                    }
                ],
            },
        },
    },
)
