"""A pipeline's service account, written as a user, that may run commands in every pod of a namespace.

Caught by: kubernetes-binding-no-exec-for-workloads
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.RoleBinding(
    "deployer",
    metadata={"name": "deployer", "namespace": "shop"},
    role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
    subjects=[
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:serviceaccount:pipelines:deployer"}
    ],
)
