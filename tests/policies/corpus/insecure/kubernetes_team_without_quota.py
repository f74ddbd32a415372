"""A team that may take the whole cluster.

Caught by: kubernetes-team-quota
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace(
    "speech",
    metadata={
        "name": "speech",
        "labels": {"pod-security.kubernetes.io/enforce": "restricted", "trainyard.dev/team": "speech"},
    },
)
k8s.networking.v1.NetworkPolicy(
    "speech-deny",
    metadata={"name": "deny", "namespace": "speech"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.core.v1.LimitRange(
    "speech-limits",
    metadata={"name": "limits", "namespace": "speech"},
    spec={"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]},
)
