"""A training job that mounts a file server by its address.

Caught by: kubernetes-pod-volume-types
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.Job(
    "training",
    metadata={"name": "training", "namespace": "vision"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "training",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "training",
                        "image": f"registry.example.com/team/training@sha256:{'8' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
                "volumes": [{"name": "data", "nfs": {"server": "10.0.8.9", "path": "/data"}}],
            }
        },
    },
)
