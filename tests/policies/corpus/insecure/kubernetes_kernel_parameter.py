"""A queue that raises a limit of its node's kernel.

Caught by: kubernetes-pod-safe-sysctls
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.StatefulSet(
    "queue",
    metadata={"name": "queue", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "queue"}},
        "serviceName": "queue",
        "template": {
            "metadata": {"labels": {"app": "queue"}},
            "spec": {
                "serviceAccountName": "queue",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                    "sysctls": [{"name": "net.core.somaxconn", "value": "4096"}],
                },
                "containers": [
                    {
                        "name": "queue",
                        "image": f"registry.example.com/team/queue@sha256:{'5' * 64}",
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
