"""A job that waits in another team's queue.

Caught by: kubernetes-job-own-queue
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace(
    "vision", metadata={"name": "vision", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
)
k8s.networking.v1.NetworkPolicy(
    "vision-deny",
    metadata={"name": "deny", "namespace": "vision"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.apiextensions.CustomResource(
    "spot",
    api_version="kueue.x-k8s.io/v1beta2",
    kind="LocalQueue",
    metadata={"name": "spot", "namespace": "speech"},
    spec={"clusterQueue": "spot"},
)
k8s.batch.v1.Job(
    "evaluation",
    metadata={"name": "evaluation", "namespace": "vision", "labels": {"kueue.x-k8s.io/queue-name": "spot"}},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "evaluation",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "evaluation",
                        "image": f"registry.example.com/team/evaluation@sha256:{'a' * 64}",
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
