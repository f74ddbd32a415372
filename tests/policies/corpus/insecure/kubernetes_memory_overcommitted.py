"""A training job that is ended first when memory is short.

Caught by: kubernetes-gpu-steady-resources
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.Job(
    "fine-tuning",
    metadata={"name": "fine-tuning", "namespace": "vision"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "fine-tuning",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "fine-tuning",
                        "image": f"registry.example.com/team/fine-tuning@sha256:{'b' * 64}",
                        "resources": {
                            "requests": {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
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
