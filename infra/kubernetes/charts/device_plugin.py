"""NVIDIA's device plugin, and GPU feature discovery, by which nodes are labelled with what their GPUs are.

Both run on nodes with GPUs only, one pod each, and need privileges: they write to the kubelet's folders and ask the
driver. Node Feature Discovery puts the labels on nodes; of it, only what reads feature discovery's file is on.
"""

from typing import Any

import yaml

from infra.kubernetes.addon_settings import DevicePluginSettings
from infra.kubernetes.charts.chart import GPU, Chart
from infra.kubernetes.charts.cluster_facts import GPU_NODES, SYSTEM_NODES, ClusterFacts
from infra.kubernetes.charts.pod_values import CRITICAL, GPU_TOLERATION, RESTRICTED_POD, resources
from infra.kubernetes.node_pools import GPU_RESOURCE

VERSION = "0.20.0"

PLUGIN_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
}
"""The chart gives the plugin no right where MIG is off. NVIDIA's container runtime may then show it no GPU at all: on
machine images of EKS since April 2026, only a container with this right gets the GPUs that a variable names. Source:
awslabs/amazon-eks-ami, issue 2706."""


def chart(settings: DevicePluginSettings, facts: ClusterFacts) -> Chart:
    """The chart of the plugin, with feature discovery."""
    return Chart(
        release="nvidia-device-plugin",
        chart="nvidia-device-plugin",
        repository="https://nvidia.github.io/k8s-device-plugin",
        version=VERSION,
        namespace=GPU,
        values={
            "image": {"repository": facts.image("nvcr.io/nvidia/k8s-device-plugin"), "tag": f"v{VERSION}"},
            **_sharing(settings),
            "nodeSelector": dict(GPU_NODES),
            "tolerations": [GPU_TOLERATION],
            "securityContext": PLUGIN_SECURITY,
            # Of the plugin and of feature discovery alike.
            "resources": resources("10m", "64Mi", most_cpus="200m", most_memory="256Mi"),
            "gfd": {"enabled": True},
            "nfd": _node_feature_discovery(facts),
        },
    )


def plugin_configuration(settings: DevicePluginSettings) -> dict[str, Any]:
    """What the plugin reads where GPUs are shared in turns.

    Source: NVIDIA/k8s-device-plugin, README, "Shared Access to GPUs".
    """
    slicing = {
        # Two turns on one GPU are no two GPUs: a pod that asks for more than one is refused.
        "failRequestsGreaterThanOne": True,
        "renameByDefault": False,
        "resources": [{"name": GPU_RESOURCE, "replicas": settings.time_slices}],
    }
    return {"version": "v1", "sharing": {"timeSlicing": slicing}}


def _sharing(settings: DevicePluginSettings) -> dict[str, Any]:
    strategy: dict[str, Any] = {"migStrategy": settings.mig_strategy}
    if settings.time_slices == 1:
        return strategy
    # With a configuration, the chart adds containers that watch it, for which it knows no resources.
    configuration = yaml.safe_dump(plugin_configuration(settings), sort_keys=False)
    return {**strategy, "config": {"map": {"shared": configuration}, "default": "shared"}}


def _node_feature_discovery(facts: ClusterFacts) -> dict[str, Any]:
    return {
        "image": {"repository": facts.image("registry.k8s.io/nfd/node-feature-discovery")},
        # To remove labels from nodes that go anyway would take a pod, and a node to run it.
        "postDeleteCleanup": False,
        "priorityClassName": CRITICAL,
        "master": {
            "podSecurityContext": RESTRICTED_POD,
            "nodeSelector": dict(SYSTEM_NODES),
            "resources": resources("10m", "64Mi", most_cpus="500m", most_memory="512Mi"),
        },
        "worker": {
            "config": {"core": {"labelSources": ["local"], "featureSources": ["local"]}},
            "podSecurityContext": RESTRICTED_POD,
            "nodeSelector": dict(GPU_NODES),
            "tolerations": [GPU_TOLERATION],
            "resources": resources("5m", "32Mi", most_cpus="100m", most_memory="128Mi"),
        },
        "gc": {
            "podSecurityContext": RESTRICTED_POD,
            "nodeSelector": dict(SYSTEM_NODES),
            "resources": resources("5m", "32Mi", most_cpus="100m", most_memory="128Mi"),
        },
    }
