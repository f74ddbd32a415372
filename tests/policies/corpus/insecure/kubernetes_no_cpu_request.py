"""A worker that the scheduler takes for nothing.

Caught by: kubernetes-container-cpu-request
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "worker",
    metadata={"name": "worker", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "worker"}},
        "template": {
            "metadata": {"labels": {"app": "worker"}},
            "spec": {
                "serviceAccountName": "worker",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "worker",
                        "image": f"registry.example.com/team/worker@sha256:{'6' * 64}",
                        "resources": {"requests": {"memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
)
