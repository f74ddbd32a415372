"""A mail server that says nothing of programs with the setuid bit.

Caught by: kubernetes-container-no-privilege-escalation
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.Deployment(
    "mail",
    metadata={"name": "mail", "namespace": "office"},
    spec={
        "selector": {"matchLabels": {"app": "mail"}},
        "template": {
            "metadata": {"labels": {"app": "mail"}},
            "spec": {
                "serviceAccountName": "mail",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "mail",
                        "image": f"registry.example.com/team/mail@sha256:{'4' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                        "ports": [{"containerPort": 8025}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8025}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 8025}},
                    }
                ],
            },
        },
    },
)
