"""The Prometheus adapter: what Prometheus has measured, as metrics of pods that a HorizontalPodAutoscaler can go by.

Two of them, and no others: how long requests wait in Triton, and how busy a pod's GPUs are.

Source: prometheus-adapter, "Metrics Discovery and Presentation Configuration"; Triton, "Metrics"; DCGM, field
identifiers.
"""

from typing import Any

from infra.kubernetes.addon_settings import DevicePluginSettings
from infra.kubernetes.charts import prometheus
from infra.kubernetes.charts.chart import MONITORING, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, ClusterFacts
from infra.kubernetes.charts.pod_values import CRITICAL, of_release, resources, spread_over_nodes

VERSION = "5.3.0"
RELEASE = "prometheus-adapter"

TRITON_QUEUE_MICROSECONDS = "triton_queue_microseconds"
"""Microseconds that a request waited in the pod's Triton before it was computed, on average over a minute; 0 without
requests."""
GPU_UTILIZATION_PERCENT = "gpu_utilization_percent"
"""Percent of the time that the pod's GPUs, or its slices of them, were busy, on average over them."""

_OVER = "[1m]"


def chart(device_plugin: DevicePluginSettings, facts: ClusterFacts) -> Chart:
    """The chart of the adapter."""
    return Chart(
        release=RELEASE,
        chart="prometheus-adapter",
        repository="https://prometheus-community.github.io/helm-charts",
        version=VERSION,
        namespace=MONITORING,
        values={
            "fullnameOverride": RELEASE,
            "image": {"repository": facts.image("registry.k8s.io/prometheus-adapter/prometheus-adapter")},
            "prometheus": {"url": prometheus.ADDRESS, "port": 80},
            "rules": {"default": False, "custom": rules(device_plugin)},
            # A new series is known after this; a service that has just started waits for it.
            "metricsRelistInterval": "30s",
            "logLevel": 2,
            "replicas": facts.replicas,
            "podDisruptionBudget": {"enabled": facts.replicas > 1, "maxUnavailable": 1},
            "priorityClassName": CRITICAL,
            "nodeSelector": dict(SYSTEM_NODES),
            "topologySpreadConstraints": spread_over_nodes(of_release(RELEASE)),
            "resources": resources("50m", "128Mi", most_cpus="500m", most_memory="512Mi"),
        },
    )


def rules(device_plugin: DevicePluginSettings) -> list[dict[str, Any]]:
    """How each metric of pods is computed."""
    waited = f"sum(rate(nv_inference_queue_duration_us{{<<.LabelMatchers>>}}{_OVER})) by (<<.GroupBy>>)"
    answered = f"sum(rate(nv_inference_request_success{{<<.LabelMatchers>>}}{_OVER})) by (<<.GroupBy>>)"
    # Of a slice DCGM does not tell how busy the device is, only its engine. Source: DCGM, "Multi-Instance GPU".
    sliced = device_plugin.mig_strategy != "none"
    busy = "DCGM_FI_PROF_GR_ENGINE_ACTIVE" if sliced else "DCGM_FI_DEV_GPU_UTIL"
    percent = f"avg({busy}{{<<.LabelMatchers>>}}) by (<<.GroupBy>>)"
    return [
        # Without requests both rates are 0, and nothing has waited.
        _rule("nv_inference_queue_duration_us", TRITON_QUEUE_MICROSECONDS, f"{waited} / clamp_min({answered}, 0.001)"),
        _rule(busy, GPU_UTILIZATION_PERCENT, f"100 * {percent}" if sliced else percent),
    ]


def _rule(series: str, metric: str, query: str) -> dict[str, Any]:
    return {
        "seriesQuery": f'{series}{{namespace!="",pod!=""}}',
        "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        "name": {"matches": f"^{series}$", "as": metric},
        "metricsQuery": query,
    }
