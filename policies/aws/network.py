"""Rules for networks on AWS: who can reach what, and who can see it."""

from collections.abc import Iterator
from typing import Any

from policies.addresses import contains, is_internet
from policies.aws.network_ports import ADMINISTRATION, in_words, ports_of, protocol_name
from policies.aws.network_security_groups import RULES_OF_GROUPS
from policies.resources import Resource, Stack
from policies.rules import related_rule, resource_rule
from policies.values import any_holds, as_list, get, is_true, known

VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
DEFAULT_VPC = "aws:ec2/defaultVpc:DefaultVpc"
DEFAULT_SUBNET = "aws:ec2/defaultSubnet:DefaultSubnet"
SUBNET = "aws:ec2/subnet:Subnet"
ACCESS_LISTS = ("aws:ec2/networkAcl:NetworkAcl", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
ACCESS_LIST_RULE = "aws:ec2/networkAclRule:NetworkAclRule"

_FEWEST_PORTS_FOR_ANSWERS = 28_000
"""Linux takes the ports of outgoing connections from 28,232 (32768-60999), and other systems from more."""


@related_rule(
    VPC,
    id="aws-network-flow-logs",
    title="Every network keeps flow logs, of rejected traffic at least.",
    severity="medium",
    frameworks=("CKV2_AWS_11", "CIS AWS 3.0.0 3.7", "NIST AU-12", "NIST SI-4"),
    wrong="An intruder's traffic leaves no trace.",
    mend="create a FlowLog with this vpcId and trafficType ALL or REJECT.",
)
def network_flow_logs(vpc: Resource, stack: Stack) -> Iterator[str]:
    """CIS asks for rejected traffic; a flow log of one subnet or interface does not see the others."""
    logs = stack.of(FLOW_LOG)
    if not any_holds(lambda log: log.refers_to(vpc, "vpcId") and log.get("trafficType") != "ACCEPT", logs):
        some = any_holds(lambda log: log.refers_to(vpc, "vpcId"), logs)
        yield "The network's flow logs leave rejected traffic out." if some else "The network has no flow logs."


@related_rule(
    VPC,
    DEFAULT_GROUP,
    id="aws-network-default-group-closed",
    title="The default security group of every network lets nothing in or out.",
    severity="high",
    frameworks=("CKV2_AWS_12", "CIS AWS 3.0.0 5.4", "NIST SC-7"),
    wrong="What is created without a group gets this one, and everything in it reaches everything else in it.",
    mend="create a DefaultSecurityGroup with this vpcId, without ingress and egress.",
)
def network_default_group_closed(subject: Resource, stack: Stack) -> Iterator[str]:
    """The provider's DefaultSecurityGroup takes the rules away that AWS made, and keeps those that it is given."""
    if subject.type == VPC:
        if not any_holds(lambda group: group.refers_to(subject, "vpcId"), stack.of(DEFAULT_GROUP)):
            yield "Nothing closes the network's default security group."
    else:
        for direction, way in (("ingress", "in"), ("egress", "out")):
            with subject.apart():
                if as_list(subject.get(direction)):
                    yield f"The default security group lets traffic {way}."
    for rule in stack.of(*RULES_OF_GROUPS):
        with subject.apart():
            if _is_rule_of(rule, subject):
                yield f"The rule {rule.name} opens the default security group."


def _is_rule_of(rule: Resource, subject: Resource) -> bool:
    if rule.refers_to(subject, "securityGroupId"):
        return True
    default = subject.get("defaultSecurityGroupId")
    return isinstance(default, str) and known(rule.get("securityGroupId")) == default


@resource_rule(
    DEFAULT_VPC,
    DEFAULT_SUBNET,
    id="aws-network-not-default",
    title="Nothing is built in the account's default network.",
    severity="medium",
    frameworks=("CKV_AWS_148", "NIST CM-7", "NIST SC-7"),
    wrong="The default network's subnets are all public, and give every machine a public address.",
    mend="create a Vpc with Subnets of its own.",
)
def network_not_default(subject: Resource) -> Iterator[str]:
    """To close the default network's security group or access list is not to build in it."""
    yield f"It takes the account's default {'network' if subject.type == DEFAULT_VPC else 'subnet'} over."


@resource_rule(
    SUBNET,
    id="aws-subnet-no-public-addresses",
    title="Subnets give machines no public address by themselves.",
    severity="high",
    frameworks=("CKV_AWS_130", "NIST SC-7"),
    wrong="Whatever is started in the subnet can be reached from the internet.",
    mend="set mapPublicIpOnLaunch to false, also where load balancers and NAT gateways are: they need none.",
)
def subnet_no_public_addresses(subnet: Resource) -> Iterator[str]:
    """It is off unless the subnet says otherwise."""
    if is_true(subnet.get("mapPublicIpOnLaunch")):
        yield "The subnet gives every machine a public address."


@related_rule(
    *ACCESS_LISTS,
    ACCESS_LIST_RULE,
    id="aws-network-access-list-administration-closed",
    title="No access list of a network lets the internet reach SSH or RDP.",
    severity="medium",
    frameworks=("CKV_AWS_231", "CKV_AWS_232", "CKV_AWS_352", "CIS AWS 3.0.0 5.1", "NIST SC-7"),
    wrong="The second line of defence is then open where a security group is by mistake.",
    mend="allow only the ports and the ranges that are needed, or deny 22 and 3389 by a lower rule number.",
)
def network_access_list_administration_closed(subject: Resource, stack: Stack) -> Iterator[str]:
    """Access lists know no connections: answers need the high ports open, among which RDP's is.

    Source: Amazon VPC user guide, "Custom network ACLs", on ephemeral ports.
    """
    for entry in _entries_in(subject):
        with subject.apart():
            known(entry)
            if _action(entry) != "allow":
                continue
            protocol, ports = _asked(entry)
            if protocol == "udp" or _is_for_answers(ports) or not any(port in ports for port in ADMINISTRATION):
                continue
            if not is_internet([get(entry, name) for name in ("cidrBlock", "ipv6CidrBlock") if get(entry, name)]):
                continue
            for port, name in ADMINISTRATION.items():
                if port in ports and not _is_denied_before(entry, port, subject, stack):
                    yield f"It lets the whole internet reach {name} by {in_words(protocol, ports)}."


def _entries_in(subject: Resource) -> Iterator[Any]:
    if subject.type in ACCESS_LISTS:
        yield from as_list(subject.get("ingress"))
    elif not is_true(subject.get("egress")):
        names = {"action": "ruleAction", "ruleNo": "ruleNumber"}
        parts = ("action", "ruleNo", "protocol", "fromPort", "toPort", "cidrBlock", "ipv6CidrBlock")
        yield {part: subject.get(names.get(part, part)) for part in parts}


def _is_denied_before(entry: Any, port: int, subject: Resource, stack: Stack) -> bool:
    lists = [subject] if subject.type in ACCESS_LISTS else stack.of(ACCESS_LIST_RULE)
    return any_holds(
        lambda each: any_holds(
            lambda other: _denies(other, entry, port) and (each is subject or _is_of_same_list(each, subject)),
            _entries_in(each),
        ),
        lists,
    )


def _is_of_same_list(rule: Resource, other: Resource) -> bool:
    made_of, others = (each.property_dependencies.get("networkAclId") for each in (rule, other))
    if made_of and others:
        return made_of == others
    return bool(rule.get("networkAclId") == other.get("networkAclId"))


def _action(entry: Any) -> str:
    """AWS takes it in any case."""
    return str(known(get(entry, "action"))).lower()


def _asked(entry: Any) -> tuple[str, range]:
    protocol = protocol_name(get(entry, "protocol", default="-1"))
    return protocol, ports_of(protocol, get(entry, "fromPort"), get(entry, "toPort"))


def _is_for_answers(ports: range) -> bool:
    return ports.start >= 1024 and len(ports) >= _FEWEST_PORTS_FOR_ANSWERS


def _denies(other: Any, entry: Any, port: int) -> bool:
    known(other)
    if _action(other) != "deny" or get(other, "ruleNo") >= get(entry, "ruleNo"):
        return False
    protocol, ports = _asked(other)
    name = "cidrBlock" if get(entry, "cidrBlock") else "ipv6CidrBlock"
    return protocol != "udp" and port in ports and contains(get(other, name, default=""), get(entry, name))


RULES = (
    network_flow_logs,
    network_default_group_closed,
    network_not_default,
    subnet_no_public_addresses,
    network_access_list_administration_closed,
)
