"""A role for a dashboard that is made of every other role, those of administrators among them.

Caught by: kubernetes-role-no-wildcards
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRole(
    "dashboard",
    metadata={"name": "dashboard"},
    aggregation_rule={"clusterRoleSelectors": [{}]},
    rules=[],
)
