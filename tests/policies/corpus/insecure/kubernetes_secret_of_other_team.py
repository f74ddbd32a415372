"""A job that names another team's secret.

Caught by: kubernetes-workload-own-objects
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace(
    "vision", metadata={"name": "vision", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
)
k8s.networking.v1.NetworkPolicy(
    "vision-deny",
    metadata={"name": "deny", "namespace": "vision"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.core.v1.Secret("token", metadata={"name": "hub-token", "namespace": "speech"})
k8s.batch.v1.Job(
    "download",
    metadata={"name": "download", "namespace": "vision"},
    spec={
        "activeDeadlineSeconds": 3600,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": "download",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "download",
                        "image": f"registry.example.com/team/download@sha256:{'8' * 64}",
                        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
                "volumes": [{"name": "token", "secret": {"secretName": "hub-token"}}],
            }
        },
    },
)
