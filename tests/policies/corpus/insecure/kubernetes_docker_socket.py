"""A build job with the socket of its node's container runtime.

Caught by: kubernetes-pod-no-host-path
"""

import pulumi_kubernetes as k8s

k8s.batch.v1.Job(
    "build",
    metadata={"name": "build", "namespace": "delivery"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "build",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "build",
                        "image": f"registry.example.com/team/build@sha256:{'5' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
                "volumes": [{"name": "runtime", "hostPath": {"path": "/run/containerd/containerd.sock"}}],
            }
        },
    },
)
