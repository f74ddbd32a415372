"""A pool of nodes: a launch template, a managed node group, and what the autoscaler has to know of it while it is
empty.

A node answers for its metadata by session token only, one network hop away, so that no pod can take the node's role.
Its volume is encrypted by the stack's key; it has no public address and no SSH key. Capacity is one switch: on demand,
spot, or reserved, which is a capacity block. Nodes that work on one job together are placed together, and reach each
other by Elastic Fabric Adapters where the type has them.

The launch template has nothing that a managed node group refuses in one: no subnet, instance profile, shutdown
behaviour, hibernation or spot request, and no instance type but that of a capacity block. Source: Amazon EKS user
guide, "Customize managed nodes with launch templates".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.node_resources import disk_gib_for_pods
from infra.aws.node_user_data import raid0_user_data
from infra.aws.pool_facts import common_efa_cards, facts_of
from infra.kubernetes import node_pools

# Source: EKS API, CreateNodegroup.
CAPACITY_TYPES: Mapping[node_pools.CapacityKind, str] = {
    "on_demand": "ON_DEMAND",
    "spot": "SPOT",
    "reserved": "CAPACITY_BLOCK",
}
TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
"""The effect of a taint as EKS writes it, by Kubernetes' way."""
AUTOSCALER = "k8s.io/cluster-autoscaler/node-template"
"""What tags begin with that tell the autoscaler of nodes that are not there yet.

It asks EKS for those of the node group, so they need not be on the Auto Scaling group, whose name is known only
afterwards. Source: Kubernetes autoscaler, its guide for AWS, on `eks:DescribeNodegroup` and on scaling from 0.
"""

MANAGED_TAG = {"aws-node-termination-handler/managed": "true"}
"""By this the node termination handler knows the nodes that are its business. Source: its guide for queue mode."""


@dataclass(frozen=True, kw_only=True)
class PoolSurroundings:
    """What all pools of a cluster share."""

    names: Names
    cluster_name: pulumi.Input[str]
    cluster_version: str
    cluster_security_group_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """The private subnet of each zone."""
    node_role_arn: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]
    tags: Mapping[str, str]
    """Tags of instances, volumes and network interfaces: EKS does not hand a group's own tags on.

    None that changes while nodes work: another tag is another template, for which EKS replaces every node.
    """


@dataclass(frozen=True, kw_only=True)
class NodePoolArguments:
    """What a pool is made from."""

    surroundings: PoolSurroundings
    offer: node_pools.NodePool
    """What the pool is, whatever cloud it is in: its name, labels and taints, how many nodes, and where."""
    ami_type: str
    """Kind of machine image, as EKS names it."""
    instance_types: tuple[str, ...]
    """The preferred one first."""
    disk_gib: int
    capacity_reservation_id: str = ""
    """The capacity block of a reserved pool."""
    instance_store: bool = False
    """Whether pods' files lie on the instance's own disks."""


class NodePool(pulumi.ComponentResource):
    """Nodes of one kind, from none to a given number."""

    node_group: aws.eks.NodeGroup

    def __init__(self, name: str, args: NodePoolArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:NodePool", name, None, opts)
        self._name, self._args, self._around, self._offer = name, args, args.surroundings, args.offer
        self._child = pulumi.ResourceOptions(parent=self)
        # As many as the fabric's devices, on the cards that have one in every type.
        self._efa_cards = common_efa_cards(facts_of(args.instance_types)) if args.offer.fabric else []
        template = self._make_launch_template(self._make_placement_group())
        self.node_group = self._make_node_group(template)
        self.register_outputs({})

    def _make_placement_group(self) -> aws.ec2.PlacementGroup | None:
        """Keeps the nodes of one job close to each other.

        Not those of a capacity block: they are close already, and EC2 finds no capacity in the block for a placement
        group that it was not reserved in. Source: Amazon EC2 user guide, "Capacity Blocks for ML"; AWS ParallelCluster
        refuses the two together.
        """
        if not self._offer.tightly_coupled or self._offer.capacity == "reserved":
            return None
        name = self._around.names.node_pool(self._offer.name)
        return aws.ec2.PlacementGroup(self._name, name=name, strategy="cluster", opts=self._child)

    def _make_launch_template(self, placement: aws.ec2.PlacementGroup | None) -> aws.ec2.LaunchTemplate:
        args, offer = self._args, self._offer
        reserved = offer.capacity == "reserved"
        return aws.ec2.LaunchTemplate(
            self._name,
            name=self._around.names.node_pool(offer.name),
            description=f"Nodes of the pool {offer.name} of {self._around.names.cluster}",
            update_default_version=True,
            # A managed node group names its types itself, but not that of a capacity block. Source: Amazon EKS user
            # guide, "Create a managed node group with Capacity Blocks for ML".
            instance_type=args.instance_types[0] if reserved else None,
            instance_market_options=aws.ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type="capacity-block")
            if reserved
            else None,
            capacity_reservation_specification=aws.ec2.LaunchTemplateCapacityReservationSpecificationArgs(
                capacity_reservation_target=aws.ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
                    capacity_reservation_id=args.capacity_reservation_id
                )
            )
            if reserved
            else None,
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=args.disk_gib,
                        encrypted="true",
                        kms_key_id=self._around.volumes_key_arn,
                        delete_on_termination="true",
                    ),
                )
            ],
            ebs_optimized="true",
            monitoring=aws.ec2.LaunchTemplateMonitoringArgs(enabled=True),
            placement=aws.ec2.LaunchTemplatePlacementArgs(group_name=placement.name) if placement else None,
            network_interfaces=self._interfaces() or None,
            user_data=raid0_user_data() if args.instance_store else None,
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(
                    resource_type=kind,
                    tags={
                        **self._around.tags,
                        "Name": f"{self._around.names.prefix}-{offer.name}",
                        **(MANAGED_TAG if kind == "instance" else {}),
                    },
                )
                for kind in ("instance", "volume", "network-interface")
            ],
            opts=self._child,
        )

    def _interfaces(self) -> list[aws.ec2.LaunchTemplateNetworkInterfaceArgs]:
        """The network interfaces of a type with Elastic Fabric Adapters; none where EKS's default does.

        Source: Amazon EC2 user guide, "Maximize network bandwidth on Amazon EC2 instances with multiple network
        cards": the first interface has the node's address, and each card that can has an adapter without one. No
        public address is asked for: that is refused for several interfaces, and the subnets give none.
        """
        if not self._efa_cards:
            return []
        fabric = self._make_fabric_group().id
        primary = aws.ec2.LaunchTemplateNetworkInterfaceArgs(
            network_card_index=0,
            device_index=0,
            interface_type="interface",
            delete_on_termination="true",
            # EKS adds the cluster's group by itself only to a template without interfaces.
            security_groups=[self._around.cluster_security_group_id],
            description="Address of the node",
        )
        adapters = [
            aws.ec2.LaunchTemplateNetworkInterfaceArgs(
                network_card_index=card,
                device_index=1 if card == 0 else 0,
                interface_type="efa-only",
                delete_on_termination="true",
                security_groups=[fabric],
                description=f"Fabric, network card {card}",
            )
            for card in self._efa_cards
        ]
        return [primary, *adapters]

    def _make_fabric_group(self) -> aws.ec2.SecurityGroup:
        """Lets the pool's nodes reach each other past the kernel.

        Source: Amazon EC2 user guide, "Get started with EFA and MPI": all traffic from and to the group itself.
        """
        pool, name = self._offer.name, f"{self._name}-fabric"
        group = aws.ec2.SecurityGroup(
            name,
            description=f"Nodes of the pool {pool} among themselves",
            vpc_id=self._around.vpc_id,
            tags={"Name": f"{self._around.names.prefix}-{pool}-fabric"},
            opts=self._child,
        )
        aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            description="From the other nodes of the pool",
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            description="To the other nodes of the pool",
            opts=self._child,
        )
        return group

    def _make_node_group(self, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        args, offer = self._args, self._offer
        return aws.eks.NodeGroup(
            self._name,
            cluster_name=self._around.cluster_name,
            node_role_arn=self._around.node_role_arn,
            subnet_ids=[self._around.subnet_ids[zone] for zone in offer.zones],
            version=self._around.cluster_version,
            ami_type=args.ami_type,
            capacity_type=CAPACITY_TYPES[offer.capacity],
            instance_types=None if offer.capacity == "reserved" else list(args.instance_types),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=offer.min_nodes, desired_size=offer.min_nodes, max_size=offer.max_nodes
            ),
            labels=dict(offer.labels),
            taints=[
                aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=TAINT_EFFECTS[taint.effect])
                for taint in offer.taints
            ],
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags={
                "Name": f"{self._around.names.prefix}-{offer.name}",
                **autoscaler_hints(offer, self._disk_gib()),
            },
            # How many nodes there are is the autoscaler's business.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _disk_gib(self) -> int:
        """What the kubelet offers of the file system of pods; of several types the least."""
        args = self._args
        return min(
            int(disk_gib_for_pods(facts, disk_gib=args.disk_gib, instance_store=args.instance_store))
            for facts in facts_of(args.instance_types)
        )


def autoscaler_hints(offer: node_pools.NodePool, disk_gib: int) -> dict[str, str]:
    """What a node of an empty pool would have, as tags by which the autoscaler decides to start one.

    :param disk_gib: Room for pods' files and images.
    """
    hints = {f"{AUTOSCALER}/label/{label}": value for label, value in offer.labels.items()}
    hints |= {f"{AUTOSCALER}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in offer.taints}
    resources = {"ephemeral-storage": f"{disk_gib}Gi", **{name: str(count) for name, count in offer.fabric.items()}}
    if offer.gpus:
        resources[node_pools.GPU_RESOURCE] = str(offer.gpus)
    return hints | {f"{AUTOSCALER}/resources/{name}": amount for name, amount in resources.items()}
