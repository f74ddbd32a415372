"""Prometheus' node exporter: what each node's CPUs, memory, disks and network do.

One pod a node, as nobody in particular, but with the node's network and /proc: its namespace allows that, and nothing
else runs there.
"""

from infra.kubernetes.charts.chart import NODE_METRICS, Chart
from infra.kubernetes.charts.cluster_facts import ClusterFacts, mirrored
from infra.kubernetes.charts.pod_values import (
    ANY_TOLERATION,
    NODE_CRITICAL,
    RESTRICTED_CONTAINER,
    RESTRICTED_POD,
    resources,
)

VERSION = "4.56.1"
USER = 65534


def chart(facts: ClusterFacts) -> Chart:
    """The chart of the exporter."""
    return Chart(
        release="prometheus-node-exporter",
        chart="prometheus-node-exporter",
        repository="https://prometheus-community.github.io/helm-charts",
        version=VERSION,
        namespace=NODE_METRICS,
        values={
            "image": {"registry": mirrored("quay.io", facts.registries)},
            # Pods are scraped, not the service.
            "service": {"enabled": False},
            "priorityClassName": NODE_CRITICAL,
            "tolerations": [ANY_TOLERATION],
            "securityContext": {**RESTRICTED_POD, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
            "containerSecurityContext": RESTRICTED_CONTAINER,
            "resources": resources("20m", "32Mi", most_cpus="200m", most_memory="128Mi"),
        },
    )
