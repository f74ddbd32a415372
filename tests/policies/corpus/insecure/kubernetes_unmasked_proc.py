"""A build job that sees all of /proc, to build containers in containers.

Caught by: kubernetes-container-masked-proc
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.Job(
    "images",
    metadata={"name": "images", "namespace": "delivery"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "images",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "images",
                        "image": f"registry.example.com/team/images@sha256:{'6' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                            "procMount": "Unmasked",
                        },
                    }
                ],
            }
        },
    },
)
