"""A pipeline that may do everything in the cluster.

Caught by: kubernetes-binding-not-cluster-admin
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRoleBinding(
    "pipeline",
    metadata={"name": "pipeline"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    subjects=[{"kind": "ServiceAccount", "name": "pipeline", "namespace": "delivery"}],
)
