"""A team that sees what is in all namespaces.

Caught by: kubernetes-team-no-cluster-rights
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
k8s.rbac.v1.ClusterRoleBinding(
    "vision-view",
    metadata={"name": "vision-view"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    subjects=[{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "trainyard:vision"}],
)
