"""A cache in the network of its node, for the sake of speed.

Caught by: kubernetes-pod-no-host-namespaces
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "cache",
    metadata={"name": "cache", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "cache"}},
        "template": {
            "metadata": {"labels": {"app": "cache"}},
            "spec": {
                "serviceAccountName": "cache",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "cache",
                        "image": f"registry.example.com/team/cache@sha256:{'5' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
                    }
                ],
                "hostNetwork": True,
            },
        },
    },
)
