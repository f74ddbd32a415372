"""A role that makes tokens of every service account.

Caught by: kubernetes-role-no-cluster-control
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.Role(
    "token-maker",
    metadata={"name": "token-maker", "namespace": "delivery"},
    rules=[
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    ],
)
