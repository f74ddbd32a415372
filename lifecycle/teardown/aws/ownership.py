"""What tells a stack's resources from all others in an account: its tags, its cluster's tags, and its names. Pure.

Tags by which what runs in a cluster marks what it makes. Sources: Kubernetes' cloud provider for AWS ("Prerequisites":
`kubernetes.io/cluster/NAME`, `KubernetesCluster`), the AWS Load Balancer Controller (`elbv2.k8s.aws/cluster`), the
Amazon VPC CNI (`cluster.k8s.amazonaws.com/name`), the EBS CSI driver ("Driver options": `k8s-tag-cluster-id`),
Karpenter (`eks:eks-cluster-name`, `karpenter.k8s.aws/cluster`), EKS itself
(`aws:eks:cluster-name`, `eks:cluster-name`), eksctl (`alpha.eksctl.io/cluster-name`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lifecycle.teardown.subject import Subject

_NAMED_BY_VALUE = (
    "aws:eks:cluster-name",
    "eks:cluster-name",
    "eks:eks-cluster-name",
    "cluster.k8s.amazonaws.com/name",
    "elbv2.k8s.aws/cluster",
    "ebs.csi.aws.com/cluster-name",
    "ebs.csi.aws.com/cluster",
    "karpenter.k8s.aws/cluster",
    "alpha.eksctl.io/cluster-name",
    "KubernetesCluster",
)
"""Tags whose value is the cluster's name. The CSI driver's own says `true` where it was told no name."""
_NAMED_BY_KEY = ("kubernetes.io/cluster/{}", "k8s.io/cluster-autoscaler/{}")
"""Tags whose key holds the cluster's name."""
_SHARED = "shared"
"""The value by which such a tag says that others use the resource too and nobody of the cluster may delete it."""


def tag_map(tags: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Tags as a mapping, from any of the two ways in which AWS' answers list them."""
    return {str(each.get("Key", each.get("key"))): str(each.get("Value", each.get("value"))) for each in tags or ()}


def mark_of(subject: Subject, tags: Mapping[str, str]) -> str:
    """By which tag a resource is known to be the stack's or its cluster's; empty: it is not, as far as tags tell."""
    own = subject.tags
    if all(tags.get(name) == value for name, value in own.items()):
        return "tags " + " ".join(f"{name}={value}" for name, value in own.items())
    if all(name in tags for name in own):
        # Another stack's, whatever else it says.
        return ""
    for name in _NAMED_BY_VALUE:
        if tags.get(name) == subject.cluster_name:
            return f"tag {name}={subject.cluster_name}"
    for pattern in _NAMED_BY_KEY:
        name = pattern.format(subject.cluster_name)
        if tags.get(name, _SHARED) != _SHARED:
            return f"tag {name}={tags[name]}"
    return ""


def own_name(subject: Subject, name: str) -> bool:
    """Whether a role, queue, rule, launch template or the like is called as only this stack's are.

    No prefix of a stack has the character that ends it (`infra.aws.naming`).
    """
    return name.startswith(f"{subject.cluster_name}_")


def log_group_prefixes(subject: Subject) -> dict[str, str]:
    """What the names of the stack's log groups begin with, and whose they are then."""
    name = subject.cluster_name
    return {
        f"/{name}/": "the stack's own",
        f"/aws/eks/{name}/": "EKS writes the control plane's logs to it",
        f"/aws/containerinsights/{name}/": "Container Insights writes the cluster's logs to it",
    }
