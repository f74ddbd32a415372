"""A deployer's role that grants everything of one namespace.

Caught by: kubernetes-role-no-wildcards
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.Role(
    "deployer",
    metadata={"name": "deployer", "namespace": "delivery"},
    rules=[
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    ],
)
