"""A role for everybody who can reach the API server.

Caught by: kubernetes-binding-no-broad-subjects
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRoleBinding(
    "public-view",
    metadata={"name": "public-view"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    subjects=[{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:unauthenticated"}],
)
