"""The nodes without GPU: for the cluster's own pods, which have to run before any workload, and always."""

import pulumi

from infra.aws.instance_settings import SystemPoolSettings
from infra.aws.node_pool import NodePool, NodePoolArguments, PoolSurroundings
from infra.aws.pool_facts import system_pool

AMI_TYPE = "AL2023_x86_64_STANDARD"


class SystemPool(pulumi.ComponentResource):
    """A few nodes on demand, in all zones, that take every pod."""

    def __init__(
        self,
        name: str,
        settings: SystemPoolSettings,
        surroundings: PoolSurroundings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("trainyard:aws:SystemPool", name, None, opts)
        NodePool(
            name,
            NodePoolArguments(
                surroundings=surroundings,
                offer=system_pool(settings, tuple(surroundings.subnet_ids)),
                ami_type=AMI_TYPE,
                instance_types=settings.instance_types,
                disk_gib=settings.disk_gib,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
