"""A training job that takes back the capability to administer its node.

Caught by: kubernetes-container-capabilities
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.Job(
    "tuning",
    metadata={"name": "tuning", "namespace": "vision"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "tuning",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "tuning",
                        "image": f"registry.example.com/team/tuning@sha256:{'6' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
                        },
                    }
                ],
            }
        },
    },
)
