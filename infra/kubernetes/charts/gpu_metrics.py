"""NVIDIA's DCGM exporter: what each GPU does, and for which pod, as Prometheus metrics.

It runs on nodes with GPUs only, as root and with the right to administer the system: without them it neither counts
what happens inside a GPU (`DCGM_FI_PROF_…`) nor reaches the kubelet's socket that tells which pod has which GPU.
"""

from typing import Any

from infra.kubernetes.addon_settings import DevicePluginSettings
from infra.kubernetes.charts.chart import GPU, Chart
from infra.kubernetes.charts.cluster_facts import GPU_NODES, ClusterFacts
from infra.kubernetes.charts.pod_values import GPU_TOLERATION, resources

VERSION = "4.8.2"
IMAGE_TAG = "4.5.3-4.8.2-distroless"
PORT = 9400


def chart(settings: DevicePluginSettings, facts: ClusterFacts) -> Chart:
    """The chart of the exporter. Its metrics are found by its pods' label, not by an annotation: see `scraping`."""
    return Chart(
        release="dcgm-exporter",
        chart="dcgm-exporter",
        repository="https://nvidia.github.io/dcgm-exporter/helm-charts",
        version=VERSION,
        namespace=GPU,
        values={
            "image": {"repository": facts.image("nvcr.io/nvidia/k8s/dcgm-exporter"), "tag": IMAGE_TAG},
            "serviceMonitor": {"enabled": False},
            "extraEnv": _shared_gpus(settings),
            "nodeSelector": dict(GPU_NODES),
            "tolerations": [GPU_TOLERATION],
            # The chart's own limit of 512 MiB is what it takes at rest. Source: NVIDIA/dcgm-exporter, issue 609.
            "resources": resources("50m", "512Mi", most_cpus="500m", most_memory="1Gi"),
        },
    )


def _shared_gpus(settings: DevicePluginSettings) -> list[dict[str, Any]]:
    """A GPU that several pods share is told of once for each. Source: dcgm-exporter, `--kubernetes-virtual-gpus`."""
    return [{"name": "KUBERNETES_VIRTUAL_GPUS", "value": "true"}] if settings.time_slices > 1 else []
