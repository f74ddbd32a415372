"""Prometheus: one small server, with what it may see and who may ask it.

The chart is `prometheus` and not `kube-prometheus-stack`: the latter brings an operator with ten kinds of objects and a
webhook, Grafana, an Alertmanager and rules for a control plane that EKS keeps to itself, and what is wanted here is a
server with a few jobs. Whoever runs the larger one turns this off and scrapes the same annotations.

What it measures is bounded by time and by room. Nobody is alerted by it.
"""

from typing import Any

import yaml

from infra.kubernetes.addon_settings import MonitoringSettings
from infra.kubernetes.charts import scraping
from infra.kubernetes.charts.chart import MONITORING, SCALING, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, ClusterFacts, mirrored
from infra.kubernetes.charts.pod_values import CRITICAL, RESTRICTED_CONTAINER, RESTRICTED_POD, resources
from infra.kubernetes.network_policies import policy
from infra.kubernetes.object import Manifest

VERSION = "29.27.0"
RELEASE = "prometheus"
SERVICE = "prometheus-server"
ADDRESS = f"http://{SERVICE}.{MONITORING}.svc"
"""Where it is asked, from the namespaces that may."""
ROLE = "trainyard-prometheus"
USER = 65534
ALLOWED = (MONITORING, SCALING)
"""Namespaces whose pods may ask: those of the adapter and of KEDA."""

ROOM_WITHOUT_DISK_GIB = 8
"""Room on the pod's own node, where there is no volume."""
MEASUREMENTS_PER_CENT = 75
"""Part of the room that measurements may take: what is being compacted needs some beside."""

COLLECTED = (
    "daemonsets", "deployments", "horizontalpodautoscalers", "jobs", "namespaces", "nodes", "poddisruptionbudgets",
    "pods", "replicasets", "resourcequotas", "statefulsets",
)  # fmt: skip
"""Kinds of objects that kube-state-metrics tells of. Not of secrets, nor of configuration."""


def chart(settings: MonitoringSettings, facts: ClusterFacts) -> Chart:
    """The chart of the server, with kube-state-metrics."""
    return Chart(
        release=RELEASE,
        chart="prometheus",
        repository="https://prometheus-community.github.io/helm-charts",
        version=VERSION,
        namespace=MONITORING,
        values={
            # The chart's role reads all configuration of the cluster.
            "rbac": {"create": False},
            "extraManifests": [yaml.safe_dump(each, sort_keys=False) for each in manifests()],
            "server": _server(settings, facts),
            "scrapeConfigs": scraping.jobs(facts.team_namespaces),
            "configmapReload": {
                "prometheus": {
                    "image": {"repository": facts.image("quay.io/prometheus-operator/prometheus-config-reloader")},
                    "containerSecurityContext": RESTRICTED_CONTAINER,
                    "resources": resources("5m", "32Mi", most_cpus="100m", most_memory="64Mi"),
                }
            },
            "kube-state-metrics": _state_metrics(facts),
            # By a chart of its own, in a namespace where what it needs is allowed.
            "prometheus-node-exporter": {"enabled": False},
            "alertmanager": {"enabled": False},
            "prometheus-pushgateway": {"enabled": False},
        },
    )


def manifests() -> list[Manifest]:
    """What the server may see of the cluster, and who may ask it: not the teams, who would see each other there."""
    rules = [
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    askers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in ALLOWED]
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": ROLE}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": ROLE},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": SERVICE, "namespace": MONITORING}],
        },
        policy(
            MONITORING,
            SERVICE,
            {"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/component": "server"},
            {},
            ingress=[{"from": askers, "ports": [{"protocol": "TCP", "port": 9090}]}],
        ),
    ]


def _server(settings: MonitoringSettings, facts: ClusterFacts) -> dict[str, Any]:
    room_gib = settings.disk_gib or ROOM_WITHOUT_DISK_GIB
    storage_class = {"storageClass": facts.storage_class} if facts.storage_class else {}
    return {
        "image": {"repository": facts.image("quay.io/prometheus/prometheus")},
        "priorityClassName": CRITICAL,
        "nodeSelector": dict(SYSTEM_NODES),
        "securityContext": {**RESTRICTED_POD, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "containerSecurityContext": RESTRICTED_CONTAINER,
        "resources": resources("200m", "1Gi", most_cpus="2", most_memory="4Gi" if facts.production else "2Gi"),
        "global": {
            "scrape_interval": scraping.SELDOM,
            "scrape_timeout": "10s",
            "evaluation_interval": scraping.SELDOM,
        },
        "retention": f"{settings.retention_days}d",
        "retentionSize": f"{room_gib * 1024 * MEASUREMENTS_PER_CENT // 100}MB",
        "persistentVolume": {
            "enabled": settings.disk_gib > 0,
            "size": f"{room_gib}Gi",
            **storage_class,
        },
        "emptyDir": {"sizeLimit": f"{room_gib}Gi"},
    }


def _state_metrics(facts: ClusterFacts) -> dict[str, Any]:
    return {
        "image": {"registry": mirrored("registry.k8s.io", facts.registries)},
        "collectors": list(COLLECTED),
        "priorityClassName": CRITICAL,
        "nodeSelector": dict(SYSTEM_NODES),
        "resources": resources("20m", "64Mi", most_cpus="500m", most_memory="512Mi"),
    }
