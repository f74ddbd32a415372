"""The pools of GPU nodes, by setting: each of one kind of capacity, empty until a pod asks for a GPU.

Nodes are tainted, so that only pods come that ask for a GPU and say so; their machine image has NVIDIA's driver.
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.aws.instance_settings import GpuPoolSettings
from infra.aws.node_pool import NodePool, NodePoolArguments, PoolSurroundings
from infra.aws.pool_facts import gpu_pool

AMI_TYPE = "AL2023_x86_64_NVIDIA"


class GpuPools(pulumi.ComponentResource):
    """A pool for each setting."""

    node_groups: Mapping[str, aws.eks.NodeGroup]
    """The node group of each, by the pool's name."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, GpuPoolSettings],
        surroundings: PoolSurroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:aws:GpuPools", name, None, opts)
        self.node_groups = {
            pool: NodePool(
                f"{name}-{pool}",
                _arguments(pool, pool_settings, surroundings),
                pulumi.ResourceOptions(parent=self),
            ).node_group
            for pool, pool_settings in settings.items()
        }
        self.register_outputs({})


def _arguments(pool: str, settings: GpuPoolSettings, surroundings: PoolSurroundings) -> NodePoolArguments:
    return NodePoolArguments(
        surroundings=surroundings,
        offer=gpu_pool(pool, settings, tuple(surroundings.subnet_ids)),
        ami_type=AMI_TYPE,
        instance_types=settings.instance_types,
        disk_gib=settings.disk_gib,
        capacity_reservation_id=settings.capacity_reservation_id,
        instance_store=settings.scratch == "instance_store",
    )
