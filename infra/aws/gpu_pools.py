"""The pools of GPU nodes, by setting: each of one kind of capacity, empty until a pod asks for a GPU.

Nodes are tainted, so that only pods come that ask for a GPU and say so; their machine image has NVIDIA's driver.
"""

from collections.abc import Mapping

import pulumi

from infra.aws.instance_settings import GpuPoolSettings
from infra.aws.instance_types import facts_of
from infra.aws.node_pool import NodePool, NodePoolArguments, PoolSurroundings, Taint

AMI_TYPE = "AL2023_x86_64_NVIDIA"
GPU_TAINT = Taint(key="nvidia.com/gpu", value="true")
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""By this the autoscaler knows that a new node's GPUs are still to come, and does not start another one meanwhile.
Source: Kubernetes autoscaler, its guide for AWS, "Special note on GPU instances"."""


class GpuPools(pulumi.ComponentResource):
    """A pool for each setting."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, GpuPoolSettings],
        surroundings: PoolSurroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:aws:GpuPools", name, None, opts)
        for pool, pool_settings in settings.items():
            NodePool(
                f"{name}-{pool}",
                _arguments(pool, pool_settings, surroundings),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _arguments(pool: str, settings: GpuPoolSettings, surroundings: PoolSurroundings) -> NodePoolArguments:
    models = {facts.gpu for each in settings.instance_types if (facts := facts_of(each))}
    labels = {"nvidia.com/gpu.present": "true", ACCELERATOR_LABEL: "nvidia"}
    if len(models) == 1:
        model = models.pop().replace(" ", "-")
        labels |= {"trainyard.dev/gpu": model, ACCELERATOR_LABEL: f"nvidia-{model.lower()}"}
    return NodePoolArguments(
        surroundings=surroundings,
        pool=pool,
        ami_type=AMI_TYPE,
        capacity=settings.capacity,
        instance_types=settings.instance_types,
        zones=settings.zones,
        min_nodes=settings.min_nodes,
        max_nodes=settings.max_nodes,
        disk_gib=settings.disk_gib,
        labels=labels,
        taints=(GPU_TAINT,),
        tightly_coupled=settings.tightly_coupled,
        capacity_reservation_id=settings.capacity_reservation_id,
        instance_store=settings.scratch == "instance_store",
    )
