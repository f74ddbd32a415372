"""A pool of large nodes whose usual month costs more than was agreed on.

Caught by: cost-month-ceiling
"""

import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "general",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "general"},
    spec={
        "limits": {"nodes": 120},
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "nodes"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7i.4xlarge"]},
                ],
            }
        },
    },
)
