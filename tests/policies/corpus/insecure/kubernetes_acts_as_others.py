"""A support role whose holders may act in anybody's name.

Caught by: kubernetes-role-no-escalation
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRole(
    "support",
    metadata={"name": "support"},
    rules=[{"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}],
)
