"""A container's variables hold a token, for everybody who may look at the pod.

Caught by: secrets-kubernetes-environment
"""

import pulumi_kubernetes as k8s

SPACE = "agents"
k8s.core.v1.Namespace(
    "agents", metadata={"name": SPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
)
k8s.networking.v1.NetworkPolicy(
    "agents",
    metadata={"name": "none", "namespace": SPACE},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.core.v1.ServiceAccount(
    "agent", metadata={"name": "agent", "namespace": SPACE}, automount_service_account_token=False
)
k8s.apps.v1.DaemonSet(
    "agent",
    metadata={"name": "agent", "namespace": SPACE},
    spec={
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}},
            "spec": {
                "serviceAccountName": "agent",
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "agent",
                        "image": f"registry.example.com/agent@sha256:{'5' * 64}",
                        "env": [{"name": "INGEST_TOKEN", "value": "a1b2c3d4e5f6"}],
                        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "runAsUser": 65534,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
)
