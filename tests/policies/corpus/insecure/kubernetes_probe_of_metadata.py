"""A probe that makes the kubelet call the instance's metadata.

Caught by: kubernetes-container-probes-itself
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "proxy",
    metadata={"name": "proxy", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "proxy"}},
        "template": {
            "metadata": {"labels": {"app": "proxy"}},
            "spec": {
                "serviceAccountName": "proxy",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "proxy",
                        "image": f"registry.example.com/team/proxy@sha256:{'5' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                        "livenessProbe": {
                            "httpGet": {"host": "169.254.169.254", "path": "/latest/meta-data/", "port": 80}
                        },
                    }
                ],
            },
        },
    },
)
