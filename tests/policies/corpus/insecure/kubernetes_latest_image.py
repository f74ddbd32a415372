"""A nightly job that runs whatever was built last.

Caught by: kubernetes-image-not-latest
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.CronJob(
    "cleanup",
    metadata={"name": "cleanup", "namespace": "shop"},
    spec={
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "serviceAccountName": "cleanup",
                        "automountServiceAccountToken": False,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": "cleanup",
                                "image": "registry.example.com/shop/cleanup:latest",
                                "resources": {
                                    "requests": {"cpu": "500m", "memory": "512Mi"},
                                    "limits": {"memory": "512Mi"},
                                },
                                "securityContext": {
                                    "allowPrivilegeEscalation": False,
                                    "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]},
                                },
                            }
                        ],
                    }
                }
            }
        },
    },
)
