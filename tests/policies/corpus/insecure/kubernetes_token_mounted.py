"""A nightly report that gets a token of the API server without any need.

Caught by: kubernetes-pod-no-token
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.CronJob(
    "report",
    metadata={"name": "report", "namespace": "office"},
    spec={
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "serviceAccountName": "report",
                        "automountServiceAccountToken": True,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": "report",
                                "image": f"registry.example.com/team/report@sha256:{'6' * 64}",
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
