"""A training job that takes its GPU past the team's queue.

Caught by: kubernetes-gpu-job-queued
"""

import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "spot",
    api_version="kueue.x-k8s.io/v1beta2",
    kind="LocalQueue",
    metadata={"name": "spot", "namespace": "vision"},
    spec={"clusterQueue": "spot"},
)
k8s.batch.v1.Job(
    "distillation",
    metadata={"name": "distillation", "namespace": "vision"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "distillation",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "distillation",
                        "image": f"registry.example.com/team/distillation@sha256:{'c' * 64}",
                        "resources": {
                            "requests": {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"},
                            "limits": {"memory": "32Gi", "nvidia.com/gpu": "1"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            }
        },
    },
)
