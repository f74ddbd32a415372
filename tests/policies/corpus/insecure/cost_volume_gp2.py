"""A volume of the kind before the last.

Caught by: cost-volume-gp3
"""

import pulumi_aws as aws
import pulumi_kubernetes as k8s

aws.ebs.Volume(
    "datasets",
    availability_zone="us-east-1a",
    size=500,
    type="gp2",
    encrypted=True,
    kms_key_id="arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab",
)

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
