"""What Prometheus measures, and how often: the scrape jobs.

Teams' pods are found by the annotation `prometheus.io/scrape`. They cannot speak for others: the labels that say which
pod and which namespace a sample is of are set here and not taken from the pod, because services are scaled by them.
Only the GPU exporter and kube-state-metrics, which are the platform's own, tell of other pods.

Source: Prometheus, "Configuration", `kubernetes_sd_config` and `relabel_config`.
"""

from collections.abc import Sequence
from typing import Any

from infra.kubernetes.charts import gpu_metrics, queue
from infra.kubernetes.charts.chart import GATEWAY, GPU, MONITORING, NODE_METRICS, QUEUE, SCALING, SYSTEM

OFTEN = "15s"
"""What services are scaled by: four samples a minute, over which rates are taken."""
SELDOM = "30s"

CHART_JOBS = (
    "kubernetes-api-servers", "kubernetes-nodes", "kubernetes-nodes-cadvisor", "kubernetes-service-endpoints",
    "kubernetes-service-endpoints-slow", "prometheus-pushgateway", "kubernetes-services", "kubernetes-pods",
    "kubernetes-pods-slow",
)  # fmt: skip
"""The chart's own jobs, which would measure everything in the cluster. That of Prometheus itself stays."""

CONTAINER_SERIES = (
    "container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_oom_events_total",
    "container_network_receive_bytes_total", "container_network_transmit_bytes_total",
)  # fmt: skip
"""Of the many that the kubelet has of each container, those that people ask for."""

GATEWAY_LABELS = ("gateway_envoyproxy_io_owning_gateway_name", "gateway_envoyproxy_io_owning_gateway_namespace")
"""Labels of a proxy, as Prometheus writes them, by which its samples tell which gateway they are of."""

MOST_SAMPLES = 20_000
"""Samples of one pod; one that has more is not measured at all, rather than at the cost of others."""

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def jobs(team_namespaces: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The jobs by name, as the chart takes them."""
    own = {
        "teams": {
            "scrape_interval": OFTEN,
            "sample_limit": MOST_SAMPLES,
            **_annotated_pods(team_namespaces),
        },
        # While a service has no pod, only its gateway's proxies know that somebody asks for it.
        "gateways": {
            "scrape_interval": OFTEN,
            "sample_limit": MOST_SAMPLES,
            **_annotated_pods([GATEWAY], labels=GATEWAY_LABELS),
        },
        "addons": {"sample_limit": MOST_SAMPLES, **_annotated_pods([SYSTEM, SCALING])},
        "gpus": {
            "scrape_interval": OFTEN,
            "honor_labels": True,
            **_pods([GPU], "dcgm-exporter", gpu_metrics.PORT),
        },
        "kube-state-metrics": {"honor_labels": True, **_pods([MONITORING], "kube-state-metrics", 8080)},
        "nodes": _pods([NODE_METRICS], "prometheus-node-exporter", 9100),
        "containers": _containers(),
        "queue": _queue(),
    }
    return {**{name: {"enabled": False} for name in CHART_JOBS}, **own}


def _annotated_pods(namespaces: Sequence[str], labels: Sequence[str] = ()) -> dict[str, Any]:
    annotation = "__meta_kubernetes_pod_annotation_prometheus_io_"
    return {
        **_discovery(namespaces),
        "relabel_configs": [
            {"source_labels": [f"{annotation}scrape"], "regex": "true", "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Running", "action": "keep"},
            {"source_labels": [f"{annotation}path"], "regex": "(.+)", "target_label": "__metrics_path__"},
            {
                "source_labels": ["__meta_kubernetes_pod_ip", f"{annotation}port"],
                "regex": r"(.+);(\d+)",
                "replacement": "$1:$2",
                "target_label": "__address__",
            },
            _label("namespace", "__meta_kubernetes_namespace"),
            _label("pod", "__meta_kubernetes_pod_name"),
            _label("node", "__meta_kubernetes_pod_node_name"),
            *(_label(label, f"__meta_kubernetes_pod_label_{label}") for label in labels),
        ],
    }


def _pods(namespaces: Sequence[str], name: str, port: int) -> dict[str, Any]:
    """One port of the pods with this name; of the labels only the node is theirs."""
    return {
        **_discovery(namespaces),
        "relabel_configs": [
            {
                "source_labels": [
                    "__meta_kubernetes_pod_label_app_kubernetes_io_name",
                    "__meta_kubernetes_pod_container_port_number",
                ],
                "regex": f"{name};{port}",
                "action": "keep",
            },
            _label("node", "__meta_kubernetes_pod_node_name"),
        ],
    }


def _containers() -> dict[str, Any]:
    return {
        "kubernetes_sd_configs": [{"role": "node"}],
        "metrics_path": "/metrics/cadvisor",
        **_as_service_account(),
        # The cluster's authority signs the kubelets' certificates.
        "tls_config": {"ca_file": f"{_SERVICE_ACCOUNT}/ca.crt"},
        "relabel_configs": [_label("node", "__meta_kubernetes_node_name")],
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": "|".join(CONTAINER_SERIES), "action": "keep"}
        ],
    }


def _queue() -> dict[str, Any]:
    return {
        **_pods([QUEUE], "kueue", queue.METRICS_PORT),
        **_as_service_account(),
        # Kueue signs its certificate itself.
        "tls_config": {"insecure_skip_verify": True},
    }


def _as_service_account() -> dict[str, Any]:
    return {
        "scheme": "https",
        "authorization": {"type": "Bearer", "credentials_file": f"{_SERVICE_ACCOUNT}/token"},
    }


def _discovery(namespaces: Sequence[str]) -> dict[str, Any]:
    return {"kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": list(namespaces)}}]}


def _label(name: str, source: str) -> dict[str, Any]:
    return {"source_labels": [source], "target_label": name}
