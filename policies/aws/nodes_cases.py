"""Cases of the rules for machines and nodes on AWS."""

from typing import Any

from policies.aws import nodes
from policies.aws.network import SUBNET, VPC
from policies.aws.nodes import INSTANCE, LAUNCH_CONFIGURATION, NODE_CLASS, NODE_GROUP, SPOT_REQUEST, TEMPLATE
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource

PAIR = made(nodes.KEY_PAIR, "admin", {"publicKey": "ssh-ed25519 AAAA"})
MACHINE = made(INSTANCE, "machine", {"instanceType": "m7i.large"})
GATEWAY = made(nodes.INTERNET_GATEWAY, "internet")
NAT = made("aws:ec2/natGateway:NatGateway", "nat")
NODES = made(SUBNET, "nodes")
POOL = made(NODE_GROUP, "pool", refers={"subnetIds": [NODES]})
NETWORK = made(VPC, "network")
IN_NETWORK = made(SUBNET, "nodes", refers={"vpcId": NETWORK})
MAIN_TABLE = made(
    nodes.DEFAULT_ROUTE_TABLE,
    "main",
    {"routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}]},
    refers={"defaultRouteTableId": NETWORK, "routes": GATEWAY},
)


def options(type_: str, **metadata: Any) -> Resource:
    """A machine with these metadata options."""
    found = {"metadataOptions": metadata}
    return made(type_, "machine", {"spec": found} if type_ == NODE_CLASS else found)


def defaults(tokens: str) -> Resource:
    """What an account has as default for the metadata of machines."""
    return made(nodes.METADATA_DEFAULTS, "defaults", {"httpTokens": tokens})


def interfaces(*public: Any) -> Resource:
    """A launch template with network interfaces."""
    asked: list[dict[str, Any]] = [{} if each is None else {"associatePublicIpAddress": each} for each in public]
    return made(TEMPLATE, "nodes", {"networkInterfaces": asked})


def node_class(**spec: Any) -> Resource:
    """A class of nodes of Karpenter."""
    return made(NODE_CLASS, "gpu", {"spec": spec})


def routed(by: Resource, key: str = "gatewayId") -> list[Resource]:
    """Routes of the subnet of the nodes, inline in their table."""
    table = made(
        nodes.ROUTE_TABLE, "nodes", {"routes": [{"cidrBlock": "0.0.0.0/0", key: UNKNOWN}]}, refers={"routes": by}
    )
    return [table, _associated(table)]


def routed_separately(by: Resource, key: str = "gatewayId") -> list[Resource]:
    """Routes of the subnet of the nodes, as resources of their own."""
    table = made(nodes.ROUTE_TABLE, "nodes", {"routes": []})
    return [table, _associated(table), made(nodes.ROUTE, "out", refers={"routeTableId": table, key: by})]


def _associated(table: Resource) -> Resource:
    return made(nodes.ROUTE_TABLE_ASSOCIATION, "nodes", refers={"subnetId": NODES, "routeTableId": table})


CASES = (
    Cases(
        nodes.instance_metadata_tokens,
        passing=[
            *(options(type_, httpTokens="required") for type_ in (*nodes.MACHINES, NODE_CLASS)),
            options(INSTANCE, httpEndpoint="disabled"),
            made(INSTANCE, "machine", {"launchTemplate": {"id": "lt-1"}}),
            made(NODE_CLASS, "gpu", {"spec": {"role": "nodes"}}),
            [made(TEMPLATE, "nodes"), defaults("required")],
            defaults("no-preference"),
        ],
        failing=[
            (made(TEMPLATE, "nodes"), "Metadata is told without a session token."),
            (made(INSTANCE, "machine"), "without a session token"),
            (made(LAUNCH_CONFIGURATION, "nodes"), "without a session token"),
            (options(SPOT_REQUEST, httpTokens="optional", httpEndpoint="enabled"), "without a session token"),
            (options(TEMPLATE, httpPutResponseHopLimit=1), "without a session token"),
            (options(NODE_CLASS, httpTokens="optional"), "without a session token"),
            ([options(TEMPLATE, httpTokens="optional"), defaults("required")], "without a session token"),
            ([made(TEMPLATE, "nodes"), defaults("no-preference")], "without a session token"),
            (defaults("optional"), "without a session token"),
        ],
    ),
    Cases(
        nodes.instance_metadata_hop_limit,
        passing=[
            options(TEMPLATE, httpPutResponseHopLimit=1),
            options(INSTANCE, httpTokens="required"),
            options(INSTANCE, httpPutResponseHopLimit=2, httpEndpoint="disabled"),
            made(NODE_CLASS, "gpu", {"spec": {"role": "nodes"}}),
            made(LAUNCH_CONFIGURATION, "nodes"),
            made(nodes.METADATA_DEFAULTS, "defaults", {"httpPutResponseHopLimit": -1}),
        ],
        failing=[
            (made(nodes.METADATA_DEFAULTS, "defaults", {"httpPutResponseHopLimit": 3}), "3 network hops away"),
            (options(TEMPLATE, httpPutResponseHopLimit=2), "Metadata is told 2 network hops away, more than 1."),
            (options(INSTANCE, httpPutResponseHopLimit=64), "64 network hops away"),
            (options(NODE_CLASS, httpPutResponseHopLimit=2), "2 network hops away"),
        ],
    ),
    Cases(
        nodes.instance_no_ssh_key,
        passing=[
            made(TEMPLATE, "nodes"),
            made(INSTANCE, "machine", {"keyName": ""}),
            [PAIR, made(INSTANCE, "machine")],
        ],
        failing=[
            (made(TEMPLATE, "nodes", {"keyName": "admin"}), "The machine is given an SSH key."),
            (made(LAUNCH_CONFIGURATION, "nodes", {"keyName": "admin"}), "an SSH key"),
            ([PAIR, made(INSTANCE, "machine", refers={"keyName": PAIR})], "an SSH key"),
        ],
    ),
    Cases(
        nodes.node_group_no_remote_access,
        passing=[
            made(NODE_GROUP, "pool", {"amiType": "AL2023_x86_64_STANDARD"}),
            made(NODE_GROUP, "pool", {"remoteAccess": {"sourceSecurityGroupIds": ["sg-1"]}}),
        ],
        failing=[
            (made(NODE_GROUP, "pool", {"remoteAccess": {"ec2SshKey": "admin"}}), "SSH from the whole internet."),
            (
                made(NODE_GROUP, "pool", {"remoteAccess": {"ec2SshKey": "admin", "sourceSecurityGroupIds": ["sg-1"]}}),
                "Its nodes take SSH.",
            ),
            (
                [
                    PAIR,
                    made(
                        NODE_GROUP,
                        "pool",
                        {"remoteAccess": {"ec2SshKey": UNKNOWN, "sourceSecurityGroupIds": UNKNOWN}},
                        refers={"remoteAccess": PAIR},
                    ),
                ],
                "Its nodes take SSH.",
            ),
        ],
    ),
    Cases(
        nodes.instance_no_public_address,
        passing=[
            made(INSTANCE, "machine"),
            made(INSTANCE, "machine", {"associatePublicIpAddress": False}),
            interfaces(None, "false"),
            node_class(associatePublicIPAddress=False),
            made(nodes.ADDRESS, "nat", {"domain": "vpc", "instance": ""}),
            made(nodes.ADDRESS_ASSOCIATION, "balancer", {"networkInterfaceId": "eni-1"}),
        ],
        failing=[
            (made(INSTANCE, "machine", {"associatePublicIpAddress": True}), "The machine is given a public address."),
            (made(LAUNCH_CONFIGURATION, "nodes", {"associatePublicIpAddress": True}), "a public address"),
            (interfaces(None, "true"), "a public address"),
            (interfaces(UNKNOWN, True), "a public address"),
            (node_class(associatePublicIPAddress=True), "a public address"),
            ([MACHINE, made(nodes.ADDRESS, "machine", refers={"instance": MACHINE})], "It gives a machine a public"),
            (made(nodes.ADDRESS_ASSOCIATION, "machine", {"instanceId": "i-0a1b"}), "It gives a machine a public"),
        ],
    ),
    Cases(
        nodes.instance_role,
        passing=[
            made(INSTANCE, "machine", {"iamInstanceProfile": "machine"}),
            made(INSTANCE, "machine", {"launchTemplate": {"id": "lt-1"}}),
        ],
        failing=[
            (MACHINE, "The machine has no instance profile."),
            (made(SPOT_REQUEST, "machine", {"iamInstanceProfile": ""}), "no instance profile"),
        ],
    ),
    Cases(
        nodes.node_group_supported_image,
        passing=[
            *(
                made(NODE_GROUP, "pool", {"amiType": kind})
                for kind in ("AL2023_x86_64_NVIDIA", "BOTTLEROCKET_x86_64", "CUSTOM")
            ),
            made(NODE_GROUP, "pool"),
            node_class(amiSelectorTerms=[{"alias": "al2023@v20261101"}]),
            node_class(amiFamily="AL2023", amiSelectorTerms=[{"id": "ami-1"}]),
        ],
        failing=[
            (made(NODE_GROUP, "pool", {"amiType": "AL2_x86_64_GPU"}), "Its image AL2_x86_64_GPU is of Amazon Linux 2."),
            (made(NODE_GROUP, "pool", {"amiType": "AL2_ARM_64"}), "is of Amazon Linux 2"),
            (node_class(amiSelectorTerms=[{"id": "ami-1"}, {"alias": "al2@latest"}]), "Its image al2@latest is of"),
            (node_class(amiFamily="AL2", amiSelectorTerms=[{"id": "ami-1"}]), "of the family AL2"),
        ],
    ),
    Cases(
        nodes.node_group_private_subnets,
        passing=[
            [NODES, POOL],
            [NODES, POOL, GATEWAY, NAT, *routed(NAT, "natGatewayId")],
            [NODES, POOL, GATEWAY, NAT, *routed_separately(NAT, "natGatewayId")],
            [NODES, made(NODE_GROUP, "pool", refers={"subnetIds": made(SUBNET, "other")}), GATEWAY, *routed(GATEWAY)],
            [NETWORK, IN_NETWORK, POOL, GATEWAY, NAT, MAIN_TABLE, *routed(NAT, "natGatewayId")],
            [
                NETWORK,
                IN_NETWORK,
                POOL,
                made(nodes.DEFAULT_ROUTE_TABLE, "main", {"routes": []}, refers={"defaultRouteTableId": NETWORK}),
                GATEWAY,
            ],
            [NETWORK, NODES, POOL, GATEWAY, MAIN_TABLE, made(SUBNET, "other", refers={"vpcId": NETWORK})],
        ],
        failing=[
            ([NODES, POOL, GATEWAY, *routed(GATEWAY)], "Its subnet nodes is routed to an internet gateway."),
            ([NODES, POOL, GATEWAY, *routed_separately(GATEWAY)], "routed to an internet gateway"),
            ([NETWORK, IN_NETWORK, POOL, GATEWAY, MAIN_TABLE], "Its subnet nodes is routed to an internet gateway."),
            (
                [
                    *(NETWORK, IN_NETWORK, POOL, GATEWAY),
                    made(nodes.ROUTE, "out", refers={"routeTableId": NETWORK, "gatewayId": GATEWAY}),
                ],
                "routed to an internet gateway",
            ),
            (
                [
                    *(NETWORK, IN_NETWORK, POOL, GATEWAY, routed(GATEWAY)[0]),
                    made(nodes.MAIN_ROUTE_TABLE, "main", refers={"vpcId": NETWORK, "routeTableId": routed(GATEWAY)[0]}),
                ],
                "routed to an internet gateway",
            ),
            (
                [
                    made(SUBNET, "nodes", {"id": "subnet-1"}),
                    made(NODE_GROUP, "pool", {"subnetIds": ["subnet-1"]}),
                    made(nodes.INTERNET_GATEWAY, "internet", {"id": "igw-1"}),
                    made(nodes.ROUTE_TABLE, "nodes", {"id": "rtb-1", "routes": [{"gatewayId": "igw-1"}]}),
                    made(nodes.ROUTE_TABLE_ASSOCIATION, "nodes", {"subnetId": "subnet-1", "routeTableId": "rtb-1"}),
                ],
                "routed to an internet gateway",
            ),
        ],
    ),
)
