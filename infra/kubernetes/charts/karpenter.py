"""Karpenter: starts instances that fit the pods that wait, of the kinds that its node pools allow.

It reads the queue of EC2's notices itself and replaces a node that is about to be taken, so no node termination handler
is beside it. Its kinds of objects come by a chart of their own, which is how they are brought up to date. Node pools,
their limits, and whether nodes that train are ever consolidated are told by objects of these kinds, not by values.

Source: Karpenter, "Getting Started with Karpenter", "Settings", "Compatibility".
"""

from typing import Any

from infra.kubernetes.charts.chart import SYSTEM, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, AwsFacts, ClusterFacts
from infra.kubernetes.charts.pod_values import resources, scraped

VERSION = "1.14.1"
"""Of both charts."""
DIGEST = "sha256:723130949e4cab989461ff07d1be4cd781d63515432494641b33c235f300ae23"
"""Of the controller's image of that version. Source: aws/karpenter-provider-aws, `charts/karpenter/values.yaml`."""
SERVICE_ACCOUNT = "karpenter"

FEATURES: dict[str, bool] = {
    # A spot node is not given up for a cheaper one: what it computes would have to start again from its checkpoint.
    "spotToSpotConsolidation": False,
    "reservedCapacity": True,
    "nodeRepair": False,
    "nodeOverlay": False,
    "staticCapacity": False,
    "capacityBuffer": False,
}


def charts(facts: ClusterFacts, aws: AwsFacts) -> tuple[Chart, Chart]:
    """The chart of Karpenter's kinds, and that of its controller."""
    kinds = Chart(
        release="karpenter-crd",
        chart="oci://public.ecr.aws/karpenter/karpenter-crd",
        version=VERSION,
        namespace=SYSTEM,
        values={},
    )
    controller = Chart(
        release="karpenter",
        chart="oci://public.ecr.aws/karpenter/karpenter",
        version=VERSION,
        namespace=SYSTEM,
        skip_crds=True,
        values=_controller_values(facts, aws),
    )
    return kinds, controller


def _controller_values(facts: ClusterFacts, aws: AwsFacts) -> dict[str, Any]:
    return {
        "serviceAccount": {"name": SERVICE_ACCOUNT, "annotations": facts.annotations(SERVICE_ACCOUNT)},
        "replicas": facts.replicas,
        # Its affinity keeps it off nodes of its own making, and its priority is the chart's.
        "nodeSelector": dict(SYSTEM_NODES),
        # The chart insists on different zones, which system nodes need not be in.
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "podAnnotations": scraped(8080),
        "controller": {
            "image": {
                "repository": facts.image("public.ecr.aws/karpenter/controller"),
                "tag": VERSION,
                "digest": DIGEST,
            },
            # Pods do not reach the instance's metadata, which it would ask otherwise.
            "env": [{"name": "AWS_REGION", "value": aws.region}],
            "resources": resources("250m", "512Mi", most_cpus="1", most_memory="1Gi"),
        },
        "settings": {
            "clusterName": facts.cluster_name,
            "interruptionQueue": aws.interruption_queue,
            # Prices are asked for over the internet.
            "isolatedVPC": aws.isolated,
            "featureGates": FEATURES,
        },
    }
