"""A debugger's pod whose system calls nobody filters.

Caught by: kubernetes-container-seccomp
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Pod(
    "profiler",
    metadata={"name": "profiler", "namespace": "vision"},
    spec={
        "serviceAccountName": "profiler",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "Unconfined"}},
        "containers": [
            {
                "name": "profiler",
                "image": f"registry.example.com/team/profiler@sha256:{'8' * 64}",
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
    },
)
