"""Cases of the rules for networks on AWS."""

from typing import Any

from policies.aws import network
from policies.aws.network_security_groups import EGRESS_RULE, EITHER_RULE, INGRESS_RULE
from policies.cases import Cases, made
from policies.resources import Resource

ACCESS_LIST, DEFAULT_ACCESS_LIST = network.ACCESS_LISTS

VPC = made(network.VPC, "network", {"cidrBlock": "10.0.0.0/16"})
DEPLOYED = made(network.VPC, "network", {"id": "vpc-0a1b", "defaultSecurityGroupId": "sg-0a1b"})
CLOSED = made(network.DEFAULT_GROUP, "closed", refers={"vpcId": VPC})
GROUP = made("aws:ec2/securityGroup:SecurityGroup", "nodes")


def flow_log(traffic: str, vpc: Resource = VPC) -> Resource:
    """A flow log of a network."""
    return made(network.FLOW_LOG, "logs", {"trafficType": traffic}, refers={"vpcId": vpc})


def entry(number: int, action: str, ports: tuple[int, int], cidr: str = "0.0.0.0/0", protocol: str = "6") -> Any:
    """An entry of an access list."""
    ranges = {"ipv6CidrBlock": cidr} if ":" in cidr else {"cidrBlock": cidr}
    return {
        "ruleNo": number,
        "action": action,
        "protocol": protocol,
        "fromPort": ports[0],
        "toPort": ports[1],
        **ranges,
    }


def access_list(*entries: Any, type_: str = ACCESS_LIST) -> Resource:
    """An access list with these entries inline."""
    return made(type_, "list", {"ingress": list(entries)})


def access_list_rule(name: str, content: Any, of: Resource, *, egress: bool = False) -> Resource:
    """An entry of an access list as a resource of its own."""
    properties = {
        **{key: value for key, value in content.items() if key not in ("ruleNo", "action")},
        "ruleNumber": content["ruleNo"],
        "ruleAction": content["action"],
        "egress": egress,
    }
    return made(network.ACCESS_LIST_RULE, name, properties, refers={"networkAclId": of})


LIST = made(ACCESS_LIST, "list")

CASES = (
    Cases(
        network.network_flow_logs,
        passing=[
            [VPC, flow_log("ALL")],
            [VPC, flow_log("REJECT")],
            [DEPLOYED, made(network.FLOW_LOG, "logs", {"vpcId": "vpc-0a1b", "trafficType": "ALL"})],
            [VPC, flow_log("ACCEPT"), flow_log("REJECT")],
        ],
        failing=[
            (VPC, "The network has no flow logs."),
            ([VPC, flow_log("ACCEPT")], "leave rejected traffic out"),
            ([VPC, flow_log("ALL", made(network.VPC, "other"))], "The network has no flow logs."),
            (
                [DEPLOYED, made(network.FLOW_LOG, "logs", {"subnetId": "subnet-1", "trafficType": "ALL"})],
                "no flow logs",
            ),
        ],
    ),
    Cases(
        network.network_default_group_closed,
        passing=[
            [VPC, CLOSED],
            [VPC, made(network.DEFAULT_GROUP, "closed", {"ingress": [], "egress": []}, refers={"vpcId": VPC})],
            [DEPLOYED, made(network.DEFAULT_GROUP, "closed", {"vpcId": "vpc-0a1b"})],
            made(network.DEFAULT_GROUP, "of-the-default-network"),
            [VPC, CLOSED, GROUP, made(INGRESS_RULE, "nodes", refers={"securityGroupId": GROUP})],
        ],
        failing=[
            (VPC, "Nothing closes the network's default security group."),
            ([DEPLOYED, made(network.DEFAULT_GROUP, "other", {"vpcId": "vpc-9"})], "Nothing closes"),
            (
                [VPC, made(network.DEFAULT_GROUP, "open", {"ingress": [{"self": True}]}, refers={"vpcId": VPC})],
                "The default security group lets traffic in.",
            ),
            (made(network.DEFAULT_GROUP, "open", {"egress": [{"protocol": "-1"}]}), "lets traffic out."),
            (
                [VPC, CLOSED, made(INGRESS_RULE, "nodes", refers={"securityGroupId": CLOSED})],
                "The rule nodes opens the default security group.",
            ),
            ([VPC, CLOSED, made(EITHER_RULE, "nodes", refers={"securityGroupId": VPC})], "The rule nodes opens"),
            (
                [
                    DEPLOYED,
                    made(network.DEFAULT_GROUP, "closed", {"vpcId": "vpc-0a1b"}),
                    made(EGRESS_RULE, "nodes", {"securityGroupId": "sg-0a1b"}),
                ],
                "The rule nodes opens",
            ),
        ],
    ),
    Cases(
        network.network_not_default,
        passing=[VPC, made(network.SUBNET, "nodes"), CLOSED],
        failing=[
            (made(network.DEFAULT_VPC, "default"), "default network"),
            (made(network.DEFAULT_SUBNET, "default", {"availabilityZone": "eu-west-1a"}), "default subnet"),
        ],
    ),
    Cases(
        network.subnet_no_public_addresses,
        passing=[made(network.SUBNET, "nodes"), made(network.SUBNET, "nodes", {"mapPublicIpOnLaunch": False})],
        failing=[(made(network.SUBNET, "public", {"mapPublicIpOnLaunch": True}), "every machine a public address")],
    ),
    Cases(
        network.network_access_list_administration_closed,
        passing=[
            access_list(entry(100, "allow", (443, 443)), entry(110, "allow", (1024, 65535))),
            access_list(entry(100, "allow", (0, 0), "10.0.0.0/8", "-1")),
            access_list(entry(90, "DENY", (22, 22)), entry(91, "deny", (3389, 3389)), entry(100, "allow", (1, 65535))),
            access_list(entry(100, "allow", (0, 65535), protocol="udp")),
            access_list(entry(100, "deny", (0, 0), protocol="-1"), type_=DEFAULT_ACCESS_LIST),
            access_list(entry(10, "deny", (0, 0), "::/0", "-1"), entry(100, "allow", (22, 22), "::/0")),
            made(DEFAULT_ACCESS_LIST, "closed"),
            access_list_rule("out", entry(100, "allow", (0, 0), protocol="-1"), LIST, egress=True),
            [
                access_list_rule("no-ssh", entry(90, "deny", (22, 22)), LIST),
                access_list_rule("low", entry(100, "allow", (1, 1023)), LIST),
            ],
        ],
        failing=[
            (access_list(entry(100, "allow", (22, 22))), "reach SSH by tcp port 22."),
            (access_list(entry(100, "ALLOW", (22, 22))), "reach SSH by tcp port 22."),
            (access_list(entry(100, "allow", (3000, 4000), "::/0")), "reach RDP by tcp ports 3000-4000."),
            (access_list(entry(100, "allow", (0, 0), protocol="-1"), type_=DEFAULT_ACCESS_LIST), "by all protocols."),
            (access_list(entry(120, "deny", (22, 22)), entry(100, "allow", (22, 22))), "reach SSH"),
            (access_list(entry(90, "deny", (22, 22), "10.0.0.0/8"), entry(100, "allow", (22, 22))), "reach SSH"),
            (access_list(entry(90, "deny", (22, 22), protocol="udp"), entry(100, "allow", (22, 22))), "reach SSH"),
            (access_list_rule("ssh", entry(100, "allow", (22, 22)), LIST), "reach SSH"),
            (
                [
                    access_list_rule("no-ssh", entry(90, "deny", (22, 22)), made(ACCESS_LIST, "other")),
                    access_list_rule("low", entry(100, "allow", (1, 1023)), LIST),
                ],
                "reach SSH by tcp ports 1-1023.",
            ),
        ],
    ),
)
