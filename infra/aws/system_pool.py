"""The nodes without GPU: for the cluster's own pods, which have to run before any workload, and always."""

import pulumi

from infra.aws.instance_settings import SystemPoolSettings
from infra.aws.node_pool import NodePool, NodePoolArguments, PoolSurroundings

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
                pool="system",
                ami_type=AMI_TYPE,
                capacity="on_demand",
                instance_types=settings.instance_types,
                min_nodes=settings.min_nodes,
                max_nodes=settings.max_nodes,
                disk_gib=settings.disk_gib,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
