"""A role for whatever pod has no account of its own.

Caught by: kubernetes-binding-not-default-account
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.RoleBinding(
    "default-view",
    metadata={"name": "default-view", "namespace": "delivery"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    subjects=[{"kind": "ServiceAccount", "name": "default", "namespace": "delivery"}],
)
