"""A backup that runs its commands inside of other pods.

Caught by: kubernetes-binding-no-exec-for-workloads
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.Role(
    "backup",
    metadata={"name": "backup", "namespace": "office"},
    rules=[
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
    ],
)
k8s.rbac.v1.RoleBinding(
    "backup",
    metadata={"name": "backup", "namespace": "office"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "backup"},
    subjects=[{"kind": "ServiceAccount", "name": "backup", "namespace": "office"}],
)
