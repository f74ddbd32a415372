"""The pools of GPU nodes, by setting: each of one type of machine and one kind of capacity, empty until a pod asks for
a GPU.

Nodes are tainted, so that only pods come that ask for a GPU and say so. GKE does so by itself only where another pool
was there before, so the pool says it, too.
"""

from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp

from infra.gcp.machine_settings import GpuPoolSettings
from infra.gcp.node_pool import NodePool, NodePoolArguments, PoolSurroundings
from infra.gcp.pool_facts import facts_of, gpu_pool


class GpuPools(pulumi.ComponentResource):
    """A pool for each setting."""

    node_pools: Mapping[str, gcp.container.NodePool]
    """GKE's pool of each, by the pool's name."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, GpuPoolSettings],
        surroundings: PoolSurroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:gcp:GpuPools", name, None, opts)
        self.node_pools = {
            pool: NodePool(
                f"{name}-{pool}",
                _arguments(pool, pool_settings, surroundings),
                pulumi.ResourceOptions(parent=self),
            ).node_pool
            for pool, pool_settings in settings.items()
        }
        self.register_outputs({})


def _arguments(pool: str, settings: GpuPoolSettings, surroundings: PoolSurroundings) -> NodePoolArguments:
    return NodePoolArguments(
        surroundings=surroundings,
        offer=gpu_pool(pool, settings, surroundings.zones),
        machine=facts_of(settings.machine_type, settings.accelerator, settings.accelerator_count),
        disk_type=settings.disk_type,
        disk_gib=settings.disk_gib,
        image_streaming=settings.image_streaming,
        gpus=settings,
    )
