"""A log collector that SELinux is told to let be.

Caught by: kubernetes-container-confinement-kept
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.DaemonSet(
    "collector",
    metadata={"name": "collector", "namespace": "monitoring"},
    spec={
        "selector": {"matchLabels": {"app": "collector"}},
        "template": {
            "metadata": {"labels": {"app": "collector"}},
            "spec": {
                "serviceAccountName": "collector",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "collector",
                        "image": f"registry.example.com/team/collector@sha256:{'9' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                            "seLinuxOptions": {"type": "spc_t"},
                        },
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
                    }
                ],
            },
        },
    },
)
