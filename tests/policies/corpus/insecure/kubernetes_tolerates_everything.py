"""A web server that may take the place of training on GPU nodes.

Caught by: kubernetes-gpu-nodes-for-gpu-pods
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "dashboard",
    metadata={"name": "dashboard", "namespace": "office"},
    spec={
        "selector": {"matchLabels": {"app": "dashboard"}},
        "template": {
            "metadata": {"labels": {"app": "dashboard"}},
            "spec": {
                "serviceAccountName": "dashboard",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "dashboard",
                        "image": f"registry.example.com/team/dashboard@sha256:{'9' * 64}",
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
                "tolerations": [{"operator": "Exists"}],
            },
        },
    },
)
