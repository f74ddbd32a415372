"""A training job on a GPU that nothing stops when it hangs.

Caught by: cost-gpu-job-deadline
"""

import pulumi_kubernetes as k8s

IMAGE = "registry.example.com/training@sha256:" + 64 * "0"
POD = {
    "serviceAccountName": "train",
    "automountServiceAccountToken": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "containers": [
        {
            "name": "train",
            "image": IMAGE,
            "imagePullPolicy": "Always",
            "resources": {
                "requests": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "1"},
                "limits": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "20Gi", "nvidia.com/gpu": "1"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    ],
    "restartPolicy": "Never",
}

k8s.batch.v1.Job(
    "train",
    metadata={"name": "train", "namespace": "training"},
    spec={
        "backoffLimit": 3,
        "parallelism": 1,
        "completions": 1,
        "template": {"metadata": {"labels": {"app": "train"}}, "spec": POD},
    },
)
