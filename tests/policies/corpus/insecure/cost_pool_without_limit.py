"""A pool of GPU nodes that grows with the queue.

Caught by: cost-gpu-count-ceiling
"""

import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "training",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "training"},
    spec={
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "nodes"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
                    {
                        "key": "node.kubernetes.io/instance-type",
                        "operator": "In",
                        "values": [
                            "g5.xlarge",
                            "g6.xlarge",
                        ],
                    },
                ],
            }
        },
    },
)
