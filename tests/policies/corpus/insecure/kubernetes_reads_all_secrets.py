"""A dashboard that reads the secrets of all namespaces.

Caught by: kubernetes-role-no-cluster-secrets
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRole(
    "dashboard",
    metadata={"name": "dashboard"},
    rules=[{"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]}],
)
k8s.rbac.v1.ClusterRoleBinding(
    "dashboard",
    metadata={"name": "dashboard"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "dashboard"},
    subjects=[{"kind": "ServiceAccount", "name": "dashboard", "namespace": "monitoring"}],
)
