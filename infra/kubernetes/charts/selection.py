"""Which charts a cluster gets by its settings, and in which order."""

from dataclasses import dataclass

from infra.kubernetes.addon_settings import AddonName, AddonSettings
from infra.kubernetes.charts import (
    cluster_autoscaler,
    device_plugin,
    gateway,
    gpu_metrics,
    karpenter,
    metrics_adapter,
    node_metrics,
    prometheus,
    queue,
    scale_to_zero,
    termination_handler,
)
from infra.kubernetes.charts.chart import LEVELS, Chart, Level
from infra.kubernetes.charts.cluster_facts import ClusterFacts


@dataclass(frozen=True, kw_only=True)
class Addon:
    """An add-on that is wanted."""

    name: AddonName
    charts: tuple[Chart, ...]
    """Each needs those before it."""


def addons(settings: AddonSettings, facts: ClusterFacts) -> list[Addon]:
    """The add-ons of a cluster, the node autoscaler first: the others may need nodes that are not there yet.

    What the cloud's clusters bring by themselves is left out. Raises ValueError for a Kubernetes version that there is
    no autoscaler for.
    """
    charts: dict[AddonName, tuple[Chart, ...]] = {"node_autoscaler": _node_autoscaler(settings, facts)}
    if settings.device_plugin.enabled:
        charts["device_plugin"] = (device_plugin.chart(settings.device_plugin, facts),)
    if settings.gpu_metrics.enabled:
        charts["gpu_metrics"] = (gpu_metrics.chart(settings.device_plugin, facts),)
    if settings.queue.enabled:
        charts["queue"] = (queue.chart(settings.queue, facts),)
    if settings.handles_termination and facts.aws and facts.aws.interruption_queue:
        charts["termination_handler"] = (termination_handler.chart(facts, facts.aws),)
    if settings.monitoring.enabled:
        charts["monitoring"] = (
            prometheus.chart(settings.monitoring, facts),
            metrics_adapter.chart(settings.device_plugin, facts),
            node_metrics.chart(facts),
        )
    if settings.gateway.enabled:
        charts["gateway"] = (gateway.chart(facts),)
    if settings.scale_to_zero.enabled:
        charts["scale_to_zero"] = (scale_to_zero.chart(facts),)
    return [Addon(name=name, charts=each) for name, each in charts.items() if each and name not in facts.provided]


def namespaces(settings: AddonSettings, facts: ClusterFacts) -> dict[str, Level]:
    """The namespaces that have to be there before, with what pods are held to in each. `kube-system` always is."""
    used = {chart.namespace for addon in addons(settings, facts) for chart in addon.charts}
    return {namespace: level for namespace, level in LEVELS.items() if namespace in used}


def _node_autoscaler(settings: AddonSettings, facts: ClusterFacts) -> tuple[Chart, ...]:
    if facts.aws is None or settings.node_autoscaler == "none":
        return ()
    if settings.node_autoscaler == "karpenter":
        return karpenter.charts(facts, facts.aws)
    return (cluster_autoscaler.chart(facts, facts.aws),)
