"""NVIDIA's DCGM exporter: what each GPU does, and for which pod, as Prometheus metrics.

It runs on nodes with GPUs only, as root and with the right to administer the system: without them it neither counts
what happens inside a GPU (`DCGM_FI_PROF_…`) nor reaches the kubelet's socket that tells which pod has which GPU.

GKE has an exporter of its own, whose metrics go to Cloud Monitoring. Services are scaled by what the cluster's own
Prometheus knows, on GKE as elsewhere, and two exporters would take a GPU's counters from each other: so this one is
installed there, too, and GKE's is not switched on. There it needs more, since no runtime of NVIDIA's shows containers
the GPUs and the driver: the node's folder with the driver, and all devices, which only a privileged container sees.
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
            "extraEnv": [*_shared_gpus(settings), *(_OF_GKE_DRIVER if facts.gpu_driver_folder else ())],
            **(_driver(facts.gpu_driver_folder) if facts.gpu_driver_folder else {}),
            "nodeSelector": dict(GPU_NODES),
            "tolerations": [GPU_TOLERATION],
            # The chart's own limit of 512 MiB is what it takes at rest. Source: NVIDIA/dcgm-exporter, issue 609.
            "resources": resources("50m", "512Mi", most_cpus="500m", most_memory="1Gi"),
        },
    )


_DRIVER_PLACE = "/usr/local/nvidia"
_OF_GKE_DRIVER = (
    {"name": "LD_LIBRARY_PATH", "value": f"{_DRIVER_PLACE}/lib64"},
    # GKE's device plugin tells the kubelet of nvidia0, not of the GPU's UUID.
    {"name": "DCGM_EXPORTER_KUBERNETES_GPU_ID_TYPE", "value": "device-name"},
)


def _driver(folder: str) -> dict[str, Any]:
    """Source: NVIDIA/dcgm-exporter, issues 59 and 484; OpenCost, "GPU cost monitoring" on GKE."""
    return {
        "extraHostVolumes": [{"name": "nvidia-driver", "hostPath": folder}],
        "extraVolumeMounts": [{"name": "nvidia-driver", "mountPath": _DRIVER_PLACE, "readOnly": True}],
        "securityContext": {"privileged": True},
    }


def _shared_gpus(settings: DevicePluginSettings) -> list[dict[str, Any]]:
    """A GPU that several pods share is told of once for each. Source: dcgm-exporter, `--kubernetes-virtual-gpus`."""
    return [{"name": "KUBERNETES_VIRTUAL_GPUS", "value": "true"}] if settings.time_slices > 1 else []
