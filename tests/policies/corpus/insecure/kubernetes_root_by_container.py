"""A nightly backup that is root, although its pod says otherwise.

Caught by: kubernetes-container-non-root
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.CronJob(
    "backup",
    metadata={"name": "backup", "namespace": "office"},
    spec={
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "serviceAccountName": "backup",
                        "automountServiceAccountToken": False,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": "backup",
                                "image": f"registry.example.com/team/backup@sha256:{'6' * 64}",
                                "resources": {
                                    "requests": {"cpu": "500m", "memory": "512Mi"},
                                    "limits": {"memory": "512Mi"},
                                },
                                "securityContext": {
                                    "allowPrivilegeEscalation": False,
                                    "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]},
                                    "runAsUser": 0,
                                },
                            }
                        ],
                    }
                }
            }
        },
    },
)
