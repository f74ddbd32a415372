"""Cases of the rules for security groups on AWS."""

from typing import Any

from policies.aws import network_security_groups as groups
from policies.aws.network_load_balancers import LOAD_BALANCERS
from policies.aws.network_security_groups import EGRESS_RULE, EITHER_RULE, GROUP, INGRESS_RULE
from policies.cases import UNKNOWN, Cases, made
from policies.resources import Resource


def inline(direction: str, *permissions: Any) -> Resource:
    """A group with these permissions inline."""
    return made(GROUP, "nodes", {"description": "Nodes", direction: list(permissions)})


def permission(first: int, last: int, *ranges: str, protocol: str = "tcp", **more: Any) -> dict[str, Any]:
    """A permission of a group, for ranges of both versions."""
    return {
        "protocol": protocol,
        "fromPort": first,
        "toPort": last,
        "cidrBlocks": [cidr for cidr in ranges if ":" not in cidr],
        "ipv6CidrBlocks": [cidr for cidr in ranges if ":" in cidr],
        "description": "From the office",
        **more,
    }


def rule(type_: str, cidr: str, protocol: str, first: int | None = None, last: int | None = None) -> Resource:
    """A rule as a resource of its own, for one range."""
    ranges = {"cidrIpv6": cidr} if ":" in cidr else {"cidrIpv4": cidr}
    ports = {} if first is None else {"fromPort": first, "toPort": last}
    return made(type_, "rule", {"ipProtocol": protocol, "description": "From the office", **ranges, **ports})


def either(direction: str, first: int, last: int, *ranges: str, protocol: str = "tcp") -> Resource:
    """A rule as a resource of its own, of the older type."""
    return made(EITHER_RULE, "rule", {"type": direction, **permission(first, last, *ranges, protocol=protocol)})


WEB = made(GROUP, "web", {"description": "Web", "ingress": [permission(80, 80, "0.0.0.0/0", "::/0")]})
BALANCER = made(LOAD_BALANCERS[0], "web", refers={"securityGroups": WEB})
PORT_80 = made(
    INGRESS_RULE,
    "web",
    {"ipProtocol": "tcp", "cidrIpv4": "0.0.0.0/0", "fromPort": 80, "toPort": 80},
    refers={"securityGroupId": WEB},
)

HALVES = ("0.0.0.0/1", "128.0.0.0/1")
SIXTEENTHS = tuple(f"{first}.0.0.0/8" for first in range(128, 256))

CASES = (
    Cases(
        groups.security_group_administration_closed,
        passing=[
            inline("ingress", permission(22, 22, "10.0.0.0/8"), permission(443, 443, "0.0.0.0/0")),
            inline("ingress", permission(22, 22, "198.51.100.0/24", "2001:db8::/32", "fc00::/7")),
            inline("ingress", permission(0, 0, protocol="-1", self=True), permission(22, 22, securityGroups=["sg-1"])),
            inline("egress", permission(22, 22, "0.0.0.0/0")),
            made(GROUP, "nodes"),
            made(INGRESS_RULE, "nodes", {"referencedSecurityGroupId": "sg-1", "ipProtocol": "-1"}),
            rule(INGRESS_RULE, "0.0.0.0/0", "tcp", 23, 3388),
            rule(INGRESS_RULE, "0.0.0.0/0", "icmp", -1, -1),
            either("egress", 0, 65535, "0.0.0.0/0"),
        ],
        failing=[
            (inline("ingress", permission(22, 22, "0.0.0.0/0")), "reach SSH (port 22) by tcp port 22."),
            (inline("ingress", permission(3389, 3389, "::/0")), "reach RDP (port 3389) by tcp port 3389."),
            (inline("ingress", permission(22, 22, *HALVES)), "reach SSH"),
            (inline("ingress", permission(22, 22, "10.0.0.0/8", HALVES[1])), "reach SSH"),
            (inline("ingress", permission(22, 22, *SIXTEENTHS)), "reach SSH"),
            (inline("ingress", permission(22, 22, "2000::/3")), "reach SSH"),
            (inline("ingress", permission(0, 0, "0.0.0.0/0", protocol="-1")), "by all protocols."),
            (inline("ingress", permission(443, 443, "0.0.0.0/0"), permission(20, 30, "0.0.0.0/0")), "ports 20-30."),
            (inline("ingress", UNKNOWN, permission(22, 22, "0.0.0.0/0")), "reach SSH"),
            (inline("ingress", permission(22, 22, "::/0", cidrBlocks=UNKNOWN)), "reach SSH"),
            (rule(INGRESS_RULE, "0.0.0.0/0", "-1"), "reach SSH (port 22) and RDP (port 3389) by all protocols."),
            (rule(INGRESS_RULE, "128.0.0.0/1", "6", 22, 22), "reach SSH"),
            (rule(INGRESS_RULE, "::/0", "tcp", 0, 65535), "by tcp ports 0-65535."),
            (either("ingress", 22, 22, "0.0.0.0/0"), "reach SSH"),
            (either("ingress", 3000, 4000, "::/0", protocol="udp"), "reach RDP (port 3389) by udp ports 3000-4000."),
        ],
    ),
    Cases(
        groups.security_group_closed_to_internet,
        passing=[
            inline("ingress", permission(443, 443, "0.0.0.0/0", "::/0"), permission(8080, 8080, "10.0.0.0/16")),
            inline("ingress", permission(22, 22, "0.0.0.0/0")),
            inline("ingress", permission(8, 0, "0.0.0.0/0", protocol="icmp")),
            rule(INGRESS_RULE, "::/0", "58", -1, -1),
            rule(INGRESS_RULE, "0.0.0.0/0", "udp", 443, 443),
            rule(INGRESS_RULE, "0.0.0.0/0", "-1"),
            either("egress", 8080, 8080, "0.0.0.0/0"),
            either("ingress", 8080, 8080, "192.168.0.0/16"),
            [WEB, BALANCER],
            [made(GROUP, "web"), BALANCER, PORT_80],
        ],
        failing=[
            (inline("ingress", permission(80, 80, "0.0.0.0/0")), "lets the whole internet reach tcp port 80."),
            ([WEB], "lets the whole internet reach tcp port 80."),
            (
                [WEB, made(BALANCER.type, "other", refers={"securityGroups": made(GROUP, "other")})],
                "reach tcp port 80.",
            ),
            (
                [made(GROUP, "web"), BALANCER, made(INGRESS_RULE, "rule", {**PORT_80.properties, "toPort": 81})],
                "reach tcp ports 80-81.",
            ),
            (inline("ingress", permission(443, 444, "0.0.0.0/0")), "reach tcp ports 443-444."),
            (inline("ingress", permission(8000, 8002, *HALVES)), "reach tcp ports 8000-8002."),
            (inline("ingress", permission(0, 0, "0.0.0.0/0", protocol="50")), "reach protocol 50."),
            (rule(INGRESS_RULE, "::/0", "tcp", 8080, 8080), "reach tcp port 8080."),
            (rule(INGRESS_RULE, "0.0.0.0/0", "17", 53, 53), "reach udp port 53."),
            (either("ingress", 5432, 5432, "10.0.0.0/8", "0.0.0.0/0"), "reach tcp port 5432."),
        ],
    ),
    Cases(
        groups.security_group_egress_by_port,
        passing=[
            made(GROUP, "nodes"),
            inline("egress", permission(443, 443, "0.0.0.0/0"), permission(0, 0, "10.0.0.0/8", protocol="-1")),
            inline("ingress", permission(0, 0, "0.0.0.0/0", protocol="-1")),
            rule(EGRESS_RULE, "0.0.0.0/0", "tcp", 8000, 8099),
            made(EGRESS_RULE, "nodes", {"referencedSecurityGroupId": "sg-1", "ipProtocol": "-1"}),
            made(EGRESS_RULE, "s3", {"prefixListId": "pl-1", "ipProtocol": "-1"}),
            either("ingress", 0, 65535, "0.0.0.0/0"),
        ],
        failing=[
            (inline("egress", permission(0, 0, "0.0.0.0/0", protocol="-1")), "lets all protocols out to the whole"),
            (rule(EGRESS_RULE, "::/0", "-1"), "lets all protocols out"),
            (rule(EGRESS_RULE, "0.0.0.0/0", "tcp", 8000, 8100), "lets tcp ports 8000-8100 out"),
            (rule(EGRESS_RULE, "0.0.0.0/1", "udp", 0, 65535), "lets udp ports 0-65535 out"),
            (either("egress", 0, 0, "0.0.0.0/0", protocol="-1"), "lets all protocols out"),
        ],
    ),
    Cases(
        groups.security_group_described,
        passing=[
            made(GROUP, "nodes", {"description": "Nodes"}),
            inline("ingress", permission(443, 443, "10.0.0.0/8")),
            rule(INGRESS_RULE, "10.0.0.0/8", "-1"),
            either("egress", 443, 443, "0.0.0.0/0"),
        ],
        failing=[
            (made(GROUP, "nodes"), "The group has no description."),
            (made(GROUP, "nodes", {"description": "Managed by Pulumi"}), "The group has no description."),
            (
                inline("ingress", permission(443, 443, "10.0.0.0/8"), permission(80, 80, "10.0.0.0/8", description="")),
                "The group's ingress rule 1 has no description.",
            ),
            (inline("egress", {"protocol": "-1"}), "The group's egress rule 0 has no description."),
            (made(INGRESS_RULE, "nodes", {"ipProtocol": "-1"}), "The rule has no description."),
            (made(EGRESS_RULE, "nodes", {"description": ""}), "The rule has no description."),
            (made(EITHER_RULE, "nodes", {"type": "ingress"}), "The rule has no description."),
        ],
    ),
    Cases(
        groups.prefix_list_not_internet,
        passing=[
            made(groups.PREFIX_LIST, "offices", {"entries": [{"cidr": "198.51.100.0/24"}, {"cidr": "10.0.0.0/8"}]}),
            made(groups.PREFIX_LIST, "filled-elsewhere"),
            made(groups.PREFIX_LIST_ENTRY, "office", {"cidr": "2001:db8::/32"}),
        ],
        failing=[
            (
                made(groups.PREFIX_LIST, "offices", {"entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0"}]}),
                "The list holds the whole internet.",
            ),
            (
                made(groups.PREFIX_LIST, "offices", {"entries": [{"cidr": cidr} for cidr in SIXTEENTHS]}),
                "whole internet",
            ),
            (made(groups.PREFIX_LIST_ENTRY, "office", {"cidr": "::/0"}), "The list holds the whole internet."),
        ],
    ),
)
