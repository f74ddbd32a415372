"""A role in one team's namespace for another team's people.

Caught by: kubernetes-team-own-members
"""

import pulumi_kubernetes as k8s

k8s.core.v1.Namespace(
    "vision",
    metadata={
        "name": "vision",
        "labels": {"pod-security.kubernetes.io/enforce": "restricted", "trainyard.dev/team": "vision"},
    },
)
k8s.networking.v1.NetworkPolicy(
    "vision-deny",
    metadata={"name": "deny", "namespace": "vision"},
    spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
)
k8s.core.v1.ResourceQuota(
    "vision-quota",
    metadata={"name": "quota", "namespace": "vision"},
    spec={"hard": {"pods": "50", "requests.cpu": "32"}},
)
k8s.core.v1.LimitRange(
    "vision-limits",
    metadata={"name": "limits", "namespace": "vision"},
    spec={"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]},
)
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
k8s.core.v1.LimitRange(
    "speech-limits",
    metadata={"name": "limits", "namespace": "speech"},
    spec={"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]},
)
k8s.rbac.v1.RoleBinding(
    "helpers",
    metadata={"name": "helpers", "namespace": "vision"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    subjects=[{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "trainyard:speech"}],
)
