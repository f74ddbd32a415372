"""A search server whose first container changes the kernel as a privileged one.

Caught by: kubernetes-container-not-privileged
"""

import pulumi_kubernetes as k8s

k8s.apps.v1.StatefulSet(
    "search",
    metadata={"name": "search", "namespace": "shop"},
    spec={
        "selector": {"matchLabels": {"app": "search"}},
        "serviceName": "search",
        "template": {
            "metadata": {"labels": {"app": "search"}},
            "spec": {
                "serviceAccountName": "search",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "search",
                        "image": f"registry.example.com/team/search@sha256:{'6' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "ports": [{"containerPort": 9200}],
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 9200}},
                        "livenessProbe": {"httpGet": {"path": "/live", "port": 9200}},
                    }
                ],
                "initContainers": [
                    {
                        "name": "kernel",
                        "image": f"registry.example.com/tools@sha256:{'a' * 64}",
                        "command": ["sysctl", "-w", "vm.max_map_count=262144"],
                        "resources": {"limits": {"cpu": "100m", "memory": "16Mi"}},
                        "securityContext": {
                            "privileged": True,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
)
