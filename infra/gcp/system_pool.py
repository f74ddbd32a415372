"""The nodes without GPU: for the cluster's own pods, which have to run before any workload, and always."""

import pulumi

from infra.gcp.machine_settings import SystemPoolSettings
from infra.gcp.node_pool import NodePool, NodePoolArguments, PoolSurroundings
from infra.gcp.pool_facts import facts_of, system_pool


class SystemPool(pulumi.ComponentResource):
    """A few nodes on demand, in all zones, that take every pod."""

    def __init__(
        self,
        name: str,
        settings: SystemPoolSettings,
        surroundings: PoolSurroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:gcp:SystemPool", name, None, opts)
        NodePool(
            name,
            NodePoolArguments(
                surroundings=surroundings,
                offer=system_pool(settings, surroundings.zones),
                machine=facts_of(settings.machine_type),
                disk_type=settings.disk_type,
                disk_gib=settings.disk_gib,
                # Its images are small, and few come from a registry of the stack's.
                image_streaming=False,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
