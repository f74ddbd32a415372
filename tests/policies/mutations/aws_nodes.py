"""What breaks each rule for machines, nodes and their disks on AWS."""

from dataclasses import replace

from policies.aws import nodes, nodes_volumes
from policies.resources import Resource
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, setting, without

TEMPLATE, NODE_GROUP, INSTANCE = nodes.TEMPLATE, nodes.NODE_GROUP, nodes.INSTANCE


def _out_by_the_internet_gateway(resources: list[Resource]) -> list[Resource]:
    """The private subnets' routes no longer lead to the NAT gateway."""
    (gateway,) = (each for each in resources if each.type == nodes.INTERNET_GATEWAY)
    return [
        replace(
            each,
            property_dependencies={
                "routeTableId": each.property_dependencies["routeTableId"],
                "gatewayId": [gateway.urn],
            },
            properties={
                ("gatewayId" if name == "natGatewayId" else name): value for name, value in each.properties.items()
            },
        )
        if each.type == nodes.ROUTE
        else each
        for each in resources
    ]


MUTATIONS: dict[Rule, Mutation] = {
    nodes.instance_metadata_tokens: Mutation("dev", without(TEMPLATE, "metadataOptions", "httpTokens")),
    nodes.instance_metadata_hop_limit: Mutation(
        "dev", setting(TEMPLATE, 2, "metadataOptions", "httpPutResponseHopLimit")
    ),
    nodes.instance_no_ssh_key: Mutation("dev", setting(TEMPLATE, "admin", "keyName")),
    nodes.node_group_no_remote_access: Mutation("dev", setting(NODE_GROUP, {"ec2SshKey": "admin"}, "remoteAccess")),
    nodes.instance_no_public_address: Mutation(
        "dev", setting(TEMPLATE, [{"associatePublicIpAddress": "true"}], "networkInterfaces")
    ),
    nodes.instance_role: Mutation(
        "corpus/aws_nodes_machine", without(INSTANCE, "iamInstanceProfile", name="by-itself")
    ),
    nodes.node_group_supported_image: Mutation("dev", setting(NODE_GROUP, "AL2_x86_64", "amiType")),
    nodes.node_group_private_subnets: Mutation("dev", _out_by_the_internet_gateway),
    nodes_volumes.instance_disks_encrypted: Mutation(
        "dev", without(TEMPLATE, "blockDeviceMappings", 0, "ebs", "encrypted")
    ),
    nodes_volumes.volume_encrypted: Mutation(
        "corpus/aws_nodes_volumes", without(nodes_volumes.SNAPSHOT_COPY, "encrypted")
    ),
    nodes_volumes.volume_customer_managed_key: Mutation(
        "dev", without(TEMPLATE, "blockDeviceMappings", 0, "ebs", "kmsKeyId")
    ),
    nodes_volumes.file_system_encrypted: Mutation(
        "corpus/aws_nodes_volumes", without(nodes_volumes.SHARED_FILES, "encrypted")
    ),
    nodes_volumes.file_system_customer_managed_key: Mutation(
        "corpus/aws_nodes_volumes", without(nodes_volumes.SHARED_FILES, "kmsKeyId")
    ),
}
