"""The Kubernetes cluster autoscaler: starts nodes of a pool when pods find none, and ends those that nobody needs.

It finds the pools of this cluster by the tags that EKS puts on their Auto Scaling groups. A node that trains is never
ended: its pods have files on it (`skip-nodes-with-local-storage`), and use what it is for, so it is not idle. A pod's
own annotation `cluster-autoscaler.kubernetes.io/safe-to-evict` has the last word, either way.

Source: Kubernetes autoscaler, FAQ, "What are the parameters to CA?", and its guide for AWS.
"""

from collections.abc import Mapping
from typing import Any

from infra.kubernetes.addon_settings import NODE_PROVISION_MINUTES
from infra.kubernetes.charts.chart import SYSTEM, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, AwsFacts, ClusterFacts
from infra.kubernetes.charts.pod_values import (
    CRITICAL,
    RESTRICTED_CONTAINER,
    RESTRICTED_POD,
    of_release,
    resources,
    scraped,
    spread_over_nodes,
)

VERSION = "9.59.0"
RELEASE = "cluster-autoscaler"
SERVICE_ACCOUNT = "cluster-autoscaler"
USER = 65534
"""The image names no user of its own."""

IMAGE_TAGS: Mapping[str, str] = {"1.34": "v1.34.5", "1.35": "v1.35.2", "1.36": "v1.36.1"}
"""The autoscaler for each Kubernetes version: it simulates that version's scheduler. Source: kubernetes/autoscaler,
README, "Releases", and the repository's tags."""


def chart(facts: ClusterFacts, aws: AwsFacts) -> Chart:
    """The chart of the autoscaler on AWS. Raises ValueError for a Kubernetes version without one."""
    return Chart(
        release=RELEASE,
        chart="cluster-autoscaler",
        repository="https://kubernetes.github.io/autoscaler",
        version=VERSION,
        namespace=SYSTEM,
        values={
            "fullnameOverride": RELEASE,
            "cloudProvider": "aws",
            "awsRegion": aws.region,
            "autoDiscovery": {"clusterName": facts.cluster_name},
            "image": {
                "repository": facts.image("registry.k8s.io/autoscaling/cluster-autoscaler"),
                "tag": image_tag(facts.kubernetes_version),
            },
            "rbac": {
                "serviceAccount": {"name": SERVICE_ACCOUNT, "annotations": facts.annotations(SERVICE_ACCOUNT)},
            },
            "extraArgs": arguments(facts),
            "replicaCount": facts.replicas,
            "priorityClassName": CRITICAL,
            "nodeSelector": dict(SYSTEM_NODES),
            "topologySpreadConstraints": spread_over_nodes(of_release(RELEASE)),
            "podAnnotations": scraped(8085),
            "securityContext": {**RESTRICTED_POD, "runAsUser": USER, "runAsGroup": USER},
            "containerSecurityContext": RESTRICTED_CONTAINER,
            "resources": resources("50m", "384Mi", most_cpus="1", most_memory="1Gi"),
        },
    )


def image_tag(kubernetes_version: str) -> str:
    """The autoscaler that goes with a Kubernetes version. Raises ValueError."""
    if kubernetes_version not in IMAGE_TAGS:
        known = ", ".join(IMAGE_TAGS)
        raise ValueError(f"no cluster autoscaler is known for Kubernetes {kubernetes_version}, only for {known}")
    return IMAGE_TAGS[kubernetes_version]


def arguments(facts: ClusterFacts) -> dict[str, Any]:
    """The autoscaler's own arguments, as the chart takes them."""
    return {
        "expander": "least-waste",
        "balance-similar-node-groups": True,
        "skip-nodes-with-local-storage": True,
        "skip-nodes-with-system-pods": True,
        # A node's daemons are no reason to keep it.
        "ignore-daemonsets-utilization": True,
        "scale-down-utilization-threshold": 0.5,
        # Of a node with GPUs only they count.
        "scale-down-gpu-utilization-threshold": 0.5,
        "scale-down-unneeded-time": "10m",
        "scale-down-delay-after-add": "10m",
        # The pods of one job come within seconds; seen together, they get their nodes at once.
        "new-pod-scale-up-delay": "10s",
        # There may be no such spot instance: another pool is tried then.
        "max-node-provision-time": f"{NODE_PROVISION_MINUTES}m",
        # A pod on a node that goes has its own grace, a checkpoint's time included.
        "max-graceful-termination-sec": facts.grace_seconds,
    }
