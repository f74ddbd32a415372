"""A web server that can change its own program.

Caught by: kubernetes-container-read-only-root
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "pages",
    metadata={"name": "pages", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "pages"}},
        "template": {
            "metadata": {"labels": {"app": "pages"}},
            "spec": {
                "serviceAccountName": "pages",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "pages",
                        "image": f"registry.example.com/team/pages@sha256:{'5' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": False,
                            "capabilities": {"drop": ["ALL"]},
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
