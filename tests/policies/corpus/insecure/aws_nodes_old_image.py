"""GPU nodes on Amazon Linux 2.

Caught by: aws-node-group-supported-image
"""

import pulumi_kubernetes as k8s

k8s.apiextensions.CustomResource(
    "gpu",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "gpu"},
    spec={
        "role": "nodes",
        "amiSelectorTerms": [{"alias": "al2@latest"}],
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "models"}}],
        "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": "models"}}],
    },
)
