"""A tool of one's own beside the cluster's system pods.

Caught by: kubernetes-namespace-of-its-own
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "janitor",
    metadata={"name": "janitor", "namespace": "kube-system"},
    spec={
        "selector": {"matchLabels": {"app": "janitor"}},
        "template": {
            "metadata": {"labels": {"app": "janitor"}},
            "spec": {
                "serviceAccountName": "janitor",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "janitor",
                        "image": f"registry.example.com/team/janitor@sha256:{'7' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
)
