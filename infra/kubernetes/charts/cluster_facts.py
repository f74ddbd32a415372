"""What charts have to know of the cluster that they are installed in, whatever cloud it is in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from infra.kubernetes.addon_settings import AddonName
from infra.kubernetes.node_pools import POOL_LABEL

SYSTEM_NODES: Mapping[str, str] = {POOL_LABEL: "system"}
"""Labels of the nodes without GPUs that add-ons run on."""
GPU_NODES: Mapping[str, str] = {"nvidia.com/gpu.present": "true"}
"""Labels of the nodes with GPUs, which they have from the start."""

Registries = Mapping[str, str]
"""Where to pull instead, by registry: {"quay.io": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/quay"}."""


@dataclass(frozen=True, kw_only=True)
class AwsFacts:
    """What only add-ons of AWS have to know."""

    region: str
    interruption_queue: str
    """Name of the SQS queue of notices that EC2 takes an instance; empty: there is none."""
    interruption_queue_url: pulumi.Input[str]
    """The queue's address; empty: there is none."""
    isolated: bool = False
    """Whether nothing leaves the network but by endpoints of AWS's services."""


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """What any chart may have to know."""

    cluster_name: str
    kubernetes_version: str
    """Such as 1.35."""
    production: bool
    """Whether what other pods need runs twice."""
    team_namespaces: tuple[str, ...]
    """Namespaces whose pods are measured."""
    grace_seconds: int = 600
    """Most seconds that any workload's pod has from being asked to stop to being killed."""
    storage_class: str = ""
    """Kind of volume that data of an add-on is kept on; empty: the cluster's default."""
    load_balancer_annotations: Mapping[str, str] = field(default_factory=dict)
    """By these the cloud knows what kind of load balancer the gateway is to have."""
    service_account_annotations: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """By these the cloud knows which identity a service account has, by its name: IRSA's role, for instance. None where
    the cloud is told otherwise."""
    registries: Registries = field(default_factory=dict)
    """Registries that nodes pull from instead. Charts themselves come to whoever deploys, and from where they are."""
    provided: frozenset[AddonName] = frozenset()
    """Add-ons that the cloud's clusters bring by themselves: they are left out."""
    gpu_driver_folder: str = ""
    """Folder of a node with NVIDIA's driver, where a container has to be shown it; empty: the container runtime does
    that by itself."""
    aws: AwsFacts | None = None
    """None on another cloud, where add-ons of AWS are left out."""

    @property
    def replicas(self) -> int:
        """Pods of what others need."""
        return 2 if self.production else 1

    def image(self, name: str) -> str:
        """An image with its registry (`quay.io/prometheus/prometheus`), as nodes pull it."""
        return mirrored(name, self.registries)

    def annotations(self, service_account: str) -> dict[str, pulumi.Input[str]]:
        """The annotations of a service account."""
        return dict(self.service_account_annotations.get(service_account, {}))


def mirrored(image_registry: str, registries: Registries) -> str:
    """A registry, or an image with its registry, with what is pulled from instead in its place."""
    registry, slash, path = image_registry.partition("/")
    return f"{registries.get(registry, registry).rstrip('/')}{slash}{path}"
