"""An operator's role that may bind any role to itself.

Caught by: kubernetes-role-no-escalation
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRole(
    "operator",
    metadata={"name": "operator"},
    rules=[
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"]},
    ],
)
