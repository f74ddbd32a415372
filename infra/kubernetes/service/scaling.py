"""How many pods the service has: a HorizontalPodAutoscaler, or KEDA where none is to be left, and how many may be away.

KEDA makes an autoscaler of its own for one pod and more; between none and one it decides itself, by a measure of
demand that is there without any pod.

Sources: Kubernetes, "Horizontal Pod Autoscaling", "Specifying a Disruption Budget for your Application"; KEDA,
"ScaledObject specification", "Prometheus" (scaler).
"""

from typing import Any

from infra.cluster import ServiceSpecification
from infra.kubernetes.charts.metrics_adapter import GPU_UTILIZATION_PERCENT, TRITON_QUEUE_MICROSECONDS
from infra.kubernetes.charts.scraping import GATEWAY_LABELS
from infra.kubernetes.object import Manifest
from infra.kubernetes.service.containers import SERVER
from infra.kubernetes.service.surroundings import ServiceSurroundings, selector_of
from infra.service_settings import ScalingSettings

_NEVER_MORE = "1000000"


def autoscaler(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> list[Manifest]:
    """What decides on the number of pods; nothing where it is fixed."""
    scaling = service.scaling
    if scaling.fixed:
        return []
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    if scaling.to_zero:
        spec = _scaled_object(name, service, around)
        content = {"spec": {"scaleTargetRef": target, **spec}}
        return [around.manifest("keda.sh/v1alpha1", "ScaledObject", name, content, service=name)]
    spec = {
        "scaleTargetRef": target,
        "minReplicas": scaling.min_pods,
        "maxReplicas": scaling.max_pods,
        "metrics": [_metric(scaling)],
        "behavior": _behavior(scaling),
    }
    return [around.manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, {"spec": spec}, service=name)]


def disruption_budget(name: str, around: ServiceSurroundings) -> Manifest:
    """One pod at a time may be taken off its node. With a single pod that is the service, for as long as another takes
    to start: a budget that forbade it would keep the node from ever being renewed."""
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector_of(name)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return around.manifest("policy/v1", "PodDisruptionBudget", name, {"spec": spec}, service=name)


def demand_query(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> str:
    """Requests a second that are asked for, whether or not a pod is there to answer them."""
    if service.scaling.demand_query:
        return service.scaling.demand_query
    gateway = dict(zip(GATEWAY_LABELS, (name, around.namespace), strict=True))
    labels = ",".join(f'{label}="{value}"' for label, value in gateway.items())
    # Envoy Gateway counts what comes in from outside under this prefix, and its own probes under others.
    return f'sum(rate(envoy_http_downstream_rq_total{{{labels},envoy_http_conn_manager_prefix=~"https-.+"}}[2m]))'


def _metric(scaling: ScalingSettings) -> dict[str, Any]:
    match scaling.metric:
        case "queue":
            return _pods_metric(TRITON_QUEUE_MICROSECONDS, scaling.target_queue_microseconds)
        case "gpu":
            return _pods_metric(GPU_UTILIZATION_PERCENT, scaling.target_gpu_percent)
        case "cpu":
            target = {"type": "Utilization", "averageUtilization": scaling.target_cpu_percent}
            resource = {"name": "cpu", "container": SERVER, "target": target}
            return {"type": "ContainerResource", "containerResource": resource}


def _pods_metric(name: str, target: int) -> dict[str, Any]:
    average = {"type": "AverageValue", "averageValue": str(target)}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": average}}


def _behavior(scaling: ScalingSettings) -> dict[str, Any]:
    """Quick to grow, slow to shrink: a pod that ends and is needed again costs its start."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 60},
                {"type": "Pods", "value": 2, "periodSeconds": 60},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": scaling.settle_minutes * 60,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    }


def _scaled_object(name: str, service: ServiceSpecification, around: ServiceSurroundings) -> dict[str, Any]:
    scaling = service.scaling
    return {
        "idleReplicaCount": 0,
        "minReplicaCount": scaling.min_pods,
        "maxReplicaCount": scaling.max_pods,
        "pollingInterval": 5,
        "cooldownPeriod": scaling.idle_minutes * 60,
        # Where Prometheus does not answer: rather a pod too many than nobody there.
        "fallback": {"failureThreshold": 6, "replicas": scaling.min_pods},
        "advanced": {"horizontalPodAutoscalerConfig": {"name": name, "behavior": _behavior(scaling)}},
        "triggers": [
            {
                "type": "prometheus",
                "name": "demand",
                "metricType": "AverageValue",
                "metadata": {
                    "serverAddress": around.prometheus_url,
                    "query": demand_query(name, service, around),
                    # It only wakes the service; how many pods there are is for the other trigger to say.
                    "threshold": _NEVER_MORE,
                    "activationThreshold": "0",
                },
            },
            _load_trigger(name, scaling, around, sliced=bool(service.pods.mig_profile)),
        ],
    }


def _load_trigger(name: str, scaling: ScalingSettings, around: ServiceSurroundings, *, sliced: bool) -> dict[str, Any]:
    """The same measures as the autoscaler's own, asked of Prometheus; none of them ever wakes the service."""
    if scaling.metric == "cpu":
        metadata = {"value": str(scaling.target_cpu_percent), "containerName": SERVER}
        return {"type": "cpu", "name": "load", "metricType": "Utilization", "metadata": metadata}
    # A Deployment's pods are called after it, its ReplicaSet, and five letters and digits.
    pods = f'namespace="{around.namespace}",pod=~"{name}-[a-z0-9]+-[a-z0-9]{{5}}"'
    # As the autoscaler's own metric, for whole GPUs and for slices of one.
    busy = f"100 * avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{pods}}})" if sliced else f"avg(DCGM_FI_DEV_GPU_UTIL{{{pods}}})"
    queries = {
        "queue": (
            f"sum(rate(nv_inference_queue_duration_us{{{pods}}}[1m])) / "
            f"clamp_min(sum(rate(nv_inference_request_success{{{pods}}}[1m])), 1e-9)",
            scaling.target_queue_microseconds,
        ),
        "gpu": (busy, scaling.target_gpu_percent),
    }
    query, target = queries[scaling.metric]
    return {
        "type": "prometheus",
        "name": "load",
        "metricType": "Value",
        "metadata": {
            "serverAddress": around.prometheus_url,
            "query": query,
            "threshold": str(target),
            "activationThreshold": _NEVER_MORE,
        },
    }
