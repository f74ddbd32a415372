"""A team whose containers have no limits by default.

Caught by: kubernetes-team-default-limits
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
k8s.core.v1.ResourceQuota(
    "speech-quota",
    metadata={"name": "quota", "namespace": "speech"},
    spec={"hard": {"pods": "50", "requests.cpu": "32"}},
)
