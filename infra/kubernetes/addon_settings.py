"""The settings of the add-ons of a cluster: each of them optional, each with what can be chosen of it."""

from typing import Literal, get_args

from pydantic import Field, ValidationInfo, field_validator

from infra.cloud_setting_values import context
from infra.setting_types import Group, Truth, Whole, refuse

AddonName = Literal[
    "node_autoscaler", "device_plugin", "gpu_metrics", "queue", "termination_handler", "monitoring", "gateway",
    "scale_to_zero",
]  # fmt: skip
"""An add-on, as its setting is called."""
ADDONS: tuple[AddonName, ...] = get_args(AddonName)

NODE_PROVISION_MINUTES = 15
"""Minutes after which the cluster autoscaler gives up on a node that does not come, and tries another pool.

Source: Kubernetes autoscaler, FAQ, the default of `--max-node-provision-time`.
"""


_OWN_PLUGIN = "where trainyard:cloud is gcp: GKE has a plugin of its own, and shares GPUs by gcp.gpu_pools.NAME.sharing"


class DevicePluginSettings(Group):
    """NVIDIA's device plugin, by which pods get GPUs."""

    enabled: Truth = True
    time_slices: Whole = Field(default=1, ge=1, le=64)
    """Pods that share one GPU in turns, without any limit on memory between them; 1: none do. It holds for every GPU of
    the cluster, and a pod can then have one at most."""
    mig_strategy: Literal["none", "single", "mixed"] = "none"
    """How GPUs that are cut into slices (MIG) are offered: single takes a slice for a GPU, mixed names its profile. To
    cut them is not the plugin's business."""

    @field_validator("time_slices")
    @classmethod
    def _somebody_slices(cls, slices: int, info: ValidationInfo) -> int:
        if slices > 1 and info.data.get("enabled") is False:
            raise refuse("must be 1 where enabled is false: there is no plugin to share GPUs")
        if slices > 1 and context(info, "cloud") == "gcp":
            raise refuse(f"must be 1 {_OWN_PLUGIN}")
        return slices

    @field_validator("mig_strategy")
    @classmethod
    def _one_way_to_share(cls, strategy: str, info: ValidationInfo) -> str:
        if strategy != "none" and info.data.get("enabled") is False:
            raise refuse("must be none where enabled is false: there is no plugin to offer slices")
        if strategy != "none" and (slices := info.data.get("time_slices", 1)) > 1:
            raise refuse(
                f"must be none where time_slices ({slices}) is more than 1: a slice, whose memory is its own, is not "
                "shared once more"
            )
        if strategy != "none" and context(info, "cloud") == "gcp":
            raise refuse(f"must be none {_OWN_PLUGIN}")
        return strategy


class QueueSettings(Group):
    """Kueue: jobs wait until all of their nodes can be had, and the more important go first."""

    enabled: Truth = True
    ready_minutes: Whole = Field(default=45, ge=NODE_PROVISION_MINUTES + 5, le=1440)
    """Minutes that an admitted job has until all of its pods run: for nodes to start and images to be pulled. One that
    has not made it gives its quota back and waits in the queue again. GKE alone waits for a node of flex-start for half
    an hour before it tries another pool (GKE cluster autoscaler, getMaxNodeProvisionTime)."""


class TerminationHandlerSettings(Group):
    """AWS Node Termination Handler: drains a node that EC2 is about to take. Karpenter does so itself, and then it is
    left out."""

    enabled: Truth = True
    rebalance: Literal["ignore", "drain"] = "ignore"
    """What becomes of a spot node that EC2 recommends to leave, often long before it takes it or without ever doing so:
    nothing, or it is drained like one that has had its notice."""

    @field_validator("rebalance")
    @classmethod
    def _somebody_drains(cls, rebalance: str, info: ValidationInfo) -> str:
        if rebalance == "drain" and info.data.get("enabled") is False:
            raise refuse("must be ignore where enabled is false: there is nothing to drain nodes")
        if rebalance == "drain" and context(info, "cloud") == "gcp":
            raise refuse("must be ignore where trainyard:cloud is gcp: Compute Engine recommends nothing beforehand")
        return rebalance


class MonitoringSettings(Group):
    """Prometheus, and the adapter by which services are scaled on what it measures."""

    enabled: Truth = True
    retention_days: Whole = Field(default=7, ge=1, le=365)
    """Days that measurements are kept, if there is room."""
    disk_gib: Whole = Field(default=0, ge=0, le=16384)
    """Size in GiB of the volume that they are kept on; 0: 8 GiB of the pod's own node, and they end with the pod."""


class Switch(Group):
    """An add-on that is there or not."""

    enabled: Truth = True


class OptionalSwitch(Group):
    """An add-on that is there when it is asked for."""

    enabled: Truth = False


class AddonSettings(Group):
    """What is installed before any workload."""

    node_autoscaler: Literal["cluster_autoscaler", "karpenter", "none"] = "cluster_autoscaler"
    """What starts nodes when pods need them, and ends them when they do not."""
    device_plugin: DevicePluginSettings = DevicePluginSettings()
    gpu_metrics: Switch = Switch()
    """NVIDIA's DCGM exporter: what GPUs do, as Prometheus metrics."""
    queue: QueueSettings = QueueSettings()
    termination_handler: TerminationHandlerSettings = TerminationHandlerSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    gateway: OptionalSwitch = OptionalSwitch()
    """Envoy Gateway: a way into the cluster by the Gateway API."""
    scale_to_zero: OptionalSwitch = OptionalSwitch()
    """KEDA: services that end when nobody asks them anything, and start when somebody does."""

    @field_validator("node_autoscaler")
    @classmethod
    def _cluster_brings_its_own(cls, autoscaler: str, info: ValidationInfo) -> str:
        if autoscaler != "cluster_autoscaler" and context(info, "cloud") == "gcp":
            raise refuse("must be cluster_autoscaler where trainyard:cloud is gcp: GKE brings it, and no other")
        return autoscaler

    @field_validator("scale_to_zero")
    @classmethod
    def _somebody_tells_of_requests(cls, switch: OptionalSwitch, info: ValidationInfo) -> OptionalSwitch:
        monitoring = info.data.get("monitoring")
        if switch.enabled and monitoring and not monitoring.enabled:
            raise refuse(
                "must be false where monitoring.enabled is: KEDA hears of requests by Prometheus", field="enabled"
            )
        return switch

    @property
    def handles_termination(self) -> bool:
        """Whether the node termination handler is installed: not beside Karpenter, which reads the same queue."""
        return self.termination_handler.enabled and self.node_autoscaler != "karpenter"
