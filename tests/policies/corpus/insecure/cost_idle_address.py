"""An address that was for a machine that is gone.

Caught by: cost-address-used
"""

import pulumi_aws as aws
import pulumi_kubernetes as k8s

aws.ec2.Eip("bastion", domain="vpc")

k8s.apiextensions.CustomResource(
    "general",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "general"},
    spec={
        "limits": {"nodes": 3},
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "nodes"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7i.large"]},
                ],
            }
        },
    },
)
