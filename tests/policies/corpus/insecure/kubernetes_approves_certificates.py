"""A role that approves any certificate, an administrator's among them.

Caught by: kubernetes-role-no-cluster-control
"""

import pulumi_kubernetes as k8s

k8s.rbac.v1.ClusterRole(
    "approver",
    metadata={"name": "approver"},
    rules=[
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests/approval"],
            "verbs": ["update"],
        }
    ],
)
