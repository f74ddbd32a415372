"""KEDA: services that have no pod while nobody asks them anything, and get one when somebody does.

It asks Prometheus, and may read no secret: a trigger that needs credentials is none of what is offered here. Only
Deployments and StatefulSets are scaled.
"""

from typing import Any

from infra.kubernetes.charts.chart import SCALING, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, ClusterFacts, mirrored
from infra.kubernetes.charts.pod_values import CRITICAL, resources, scraped, spread_over_nodes

VERSION = "2.20.2"
METRICS_PORT = 8080
_OPERATOR, _METRICS_SERVER, _WEBHOOKS = "keda-operator", "keda-operator-metrics-apiserver", "keda-admission-webhooks"


def chart(facts: ClusterFacts) -> Chart:
    """The chart of KEDA."""
    registry = mirrored("ghcr.io", facts.registries)
    budget = {"maxUnavailable": 1} if facts.replicas > 1 else {}
    return Chart(
        release="keda",
        chart="keda",
        repository="https://kedacore.github.io/charts",
        version=VERSION,
        namespace=SCALING,
        values={
            "image": {
                "keda": {"registry": registry},
                "metricsApiServer": {"registry": registry},
                "webhooks": {"registry": registry},
                "pullPolicy": "IfNotPresent",
            },
            "operator": {"replicaCount": facts.replicas},
            "metricsServer": {"replicaCount": facts.replicas},
            "webhooks": {"replicaCount": facts.replicas},
            "podDisruptionBudget": {"operator": budget, "metricServer": budget, "webhooks": budget},
            "topologySpreadConstraints": {
                "operator": spread_over_nodes({"app": _OPERATOR}),
                "metricsServer": spread_over_nodes({"app": _METRICS_SERVER}),
                "webhooks": spread_over_nodes({"app": _WEBHOOKS}),
            },
            "priorityClassName": CRITICAL,
            "nodeSelector": dict(SYSTEM_NODES),
            "resources": {
                "operator": resources("100m", "128Mi", most_cpus="1", most_memory="512Mi"),
                "metricServer": resources("50m", "64Mi", most_cpus="1", most_memory="512Mi"),
                "webhooks": resources("10m", "32Mi", most_cpus="500m", most_memory="128Mi"),
            },
            "rbac": {"enabledCustomScaledRefKinds": False},
            "permissions": _no_secrets(),
            "prometheus": {"operator": {"enabled": True, "port": METRICS_PORT}},
            "podAnnotations": {"keda": scraped(METRICS_PORT)},
            "asciiArt": False,
        },
    )


def _no_secrets() -> dict[str, Any]:
    return {"operator": {"restrict": {"secret": True}}, "metricServer": {"restrict": {"secret": True}}}
