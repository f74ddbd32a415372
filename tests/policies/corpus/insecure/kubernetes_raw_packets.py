"""A network check that drops one capability and keeps those to forge packets.

Caught by: kubernetes-container-capabilities
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.CronJob(
    "reachability",
    metadata={"name": "reachability", "namespace": "monitoring"},
    spec={
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "OnFailure",
                        "serviceAccountName": "reachability",
                        "automountServiceAccountToken": False,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": "reachability",
                                "image": f"registry.example.com/team/reachability@sha256:{'c' * 64}",
                                "resources": {
                                    "requests": {"cpu": "500m", "memory": "512Mi"},
                                    "limits": {"memory": "512Mi"},
                                },
                                "securityContext": {
                                    "allowPrivilegeEscalation": False,
                                    "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["MKNOD"]},
                                },
                            }
                        ],
                    }
                }
            }
        },
    },
)
