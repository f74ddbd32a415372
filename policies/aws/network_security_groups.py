"""Rules for security groups on AWS: who may reach what, what may leave, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policies.addresses import is_internet
from policies.aws.network_load_balancers import LOAD_BALANCERS
from policies.aws.network_ports import ADMINISTRATION, DIAGNOSTIC, in_words, numbers, ports_of, protocol_name
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import Unknown, any_holds, as_list, get, is_text, known

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EITHER_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
RULES_OF_GROUPS = (INGRESS_RULE, EGRESS_RULE, EITHER_RULE)
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
PREFIX_LIST_ENTRY = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"

_HTTP = ("tcp", range(80, 81))
_DESCRIPTIONS_OF_THE_PROVIDER = ("Managed by Pulumi", "Managed by Terraform")


@dataclass(frozen=True)
class Entry:
    """One permission of a security group, wherever the program writes it; any value in it may be unknown."""

    protocol: Any
    first: Any
    last: Any
    ranges: Any
    description: Any

    def asked(self) -> tuple[str, range]:
        """Protocol and ports. Raises Undecided."""
        protocol = protocol_name(self.protocol)
        return protocol, ports_of(protocol, self.first, self.last)

    def is_about_internet(self) -> bool:
        """Whether it names the whole internet. Raises Undecided."""
        parts = [(part,) if isinstance(part, Unknown) else as_list(part) for part in self.ranges]
        return is_internet([cidr for part in parts for cidr in part])


def entries(subject: Resource, direction: str) -> Iterator[Entry]:
    """The permissions for `ingress` or `egress` that a group has inline, or that a rule of its own is."""
    if subject.type == GROUP:
        for entry in as_list(subject.get(direction)):
            yield _entry(entry, "protocol", "cidrBlocks", "ipv6CidrBlocks")
    elif subject.type == EITHER_RULE:
        if known(subject.get("type")) == direction:
            yield _entry(subject.properties, "protocol", "cidrBlocks", "ipv6CidrBlocks")
    elif subject.type == (INGRESS_RULE if direction == "ingress" else EGRESS_RULE):
        yield _entry(subject.properties, "ipProtocol", "cidrIpv4", "cidrIpv6")


def _entry(values: Any, protocol: str, *ranges: str) -> Entry:
    return Entry(
        get(values, protocol, default="-1"),
        get(values, "fromPort"),
        get(values, "toPort"),
        [get(values, name) for name in ranges],
        get(values, "description"),
    )


@resource_rule(
    GROUP,
    INGRESS_RULE,
    EITHER_RULE,
    id="aws-security-group-administration-closed",
    title="No security group lets the internet reach SSH or RDP.",
    severity="critical",
    frameworks=(
        "CKV_AWS_24",
        "CKV_AWS_25",
        "CKV_AWS_277",
        "CIS AWS 3.0.0 5.2",
        "CIS AWS 3.0.0 5.3",
        "NIST AC-17",
        "NIST SC-7",
    ),
    wrong="Anyone can then try passwords and keys on the machines until one fits.",
    mend="remove the rule and use Session Manager, or name the ranges that need it in cidrBlocks or cidrIpv4.",
)
def security_group_administration_closed(subject: Resource) -> Iterator[str]:
    """A rule for all protocols, or for a range of ports, opens those of administration too."""
    for entry in entries(subject, "ingress"):
        with subject.apart():
            protocol, ports = entry.asked()
            reached = [f"{name} (port {port})" for port, name in ADMINISTRATION.items() if port in ports]
            if reached and entry.is_about_internet():
                yield f"It lets the whole internet reach {' and '.join(reached)} by {in_words(protocol, ports)}."


@related_rule(
    GROUP,
    INGRESS_RULE,
    EITHER_RULE,
    id="aws-security-group-closed-to-internet",
    title="Security groups let the internet reach only the ports that are meant for it.",
    severity="high",
    frameworks=("CKV_AWS_260", "NIST SC-7"),
    wrong="Every service behind the port is then exposed to whoever looks for a fault in it.",
    mend="name the ranges or the security group that need it, or add the port to allowed_ports for this stack.",
    parameters={"allowed_ports": Parameter(("443",), "Ports, of TCP and UDP, that anyone may reach.")},
)
def security_group_closed_to_internet(subject: Resource, stack: Stack, allowed_ports: Sequence[str]) -> Iterator[str]:
    """What reaches SSH or RDP is told by aws-security-group-administration-closed alone.

    A load balancer may take port 80, to send whoever comes to HTTPS: aws-load-balancer-encrypted looks after that.
    """
    allowed = numbers(allowed_ports)
    for entry in entries(subject, "ingress"):
        with subject.apart():
            protocol, ports = entry.asked()
            meant = protocol in DIAGNOSTIC or (len(ports) > 0 and allowed.issuperset(ports))
            if meant or any(port in ports for port in ADMINISTRATION) or not entry.is_about_internet():
                continue
            if (protocol, ports) != _HTTP or not _is_of_load_balancer(subject, stack):
                yield f"It lets the whole internet reach {in_words(protocol, ports)}."


def _is_of_load_balancer(subject: Resource, stack: Stack) -> bool:
    balancers = stack.of(*LOAD_BALANCERS)
    if not balancers:
        return False
    groups = [subject] if subject.type == GROUP else stack.of(GROUP)
    return any_holds(
        lambda group: (
            (group is subject or subject.refers_to(group, "securityGroupId"))
            and any_holds(lambda balancer: balancer.refers_to(group, "securityGroups"), balancers)
        ),
        groups,
    )


@resource_rule(
    GROUP,
    EGRESS_RULE,
    EITHER_RULE,
    id="aws-security-group-egress-by-port",
    title="Security groups let traffic to the internet out by named ports only.",
    severity="medium",
    frameworks=("CKV_AWS_382", "NIST SC-7(5)"),
    wrong="Whoever gets in can send data to anywhere, by whatever protocol no proxy or firewall looks at.",
    mend="name the ports that are needed, such as 443, or the ranges and prefix lists of where traffic goes.",
    parameters={"most_ports": Parameter(100, "Ports that one rule may open to the internet.", minimum=1)},
)
def security_group_egress_by_port(subject: Resource, most_ports: float) -> Iterator[str]:
    """Without egress a group lets nothing out: the provider takes away the rule that AWS gives a new group."""
    for entry in entries(subject, "egress"):
        with subject.apart():
            protocol, ports = entry.asked()
            if len(ports) > most_ports and entry.is_about_internet():
                yield f"It lets {in_words(protocol, ports)} out to the whole internet."


@resource_rule(
    GROUP,
    *RULES_OF_GROUPS,
    id="aws-security-group-described",
    title="Security groups and their rules say what they are for.",
    severity="low",
    frameworks=("CKV_AWS_23", "NIST CM-3"),
    wrong="Nobody dares to remove a rule of which nobody knows the reason.",
    mend="give the group and each of its rules a description.",
)
def security_group_described(subject: Resource) -> Iterator[str]:
    """The provider gives a group that has none the description "Managed by Pulumi"."""
    if subject.type != GROUP:
        if not is_text(subject.get("description")):
            yield "The rule has no description."
        return
    with subject.apart():
        description = subject.get("description")
        if not is_text(description) or description in _DESCRIPTIONS_OF_THE_PROVIDER:
            yield "The group has no description."
    for direction in ("ingress", "egress"):
        with subject.apart():
            for index, entry in enumerate(entries(subject, direction)):
                with subject.apart():
                    if not is_text(entry.description):
                        yield f"The group's {direction} rule {index} has no description."


@resource_rule(
    PREFIX_LIST,
    PREFIX_LIST_ENTRY,
    id="aws-prefix-list-not-internet",
    title="No prefix list holds the whole internet.",
    severity="high",
    frameworks=("NIST SC-7",),
    wrong="A security group that names the list looks narrow, and lets everyone in.",
    mend="list the ranges that are meant in entries.",
)
def prefix_list_not_internet(subject: Resource) -> Iterator[str]:
    """What uses a list does not show what is in it, so the list itself is judged."""
    listed = [subject.properties] if subject.type == PREFIX_LIST_ENTRY else as_list(subject.get("entries"))
    if is_internet([get(entry, "cidr", default="") for entry in listed]):
        yield "The list holds the whole internet."


RULES = (
    security_group_administration_closed,
    security_group_closed_to_internet,
    security_group_egress_by_port,
    security_group_described,
    prefix_list_not_internet,
)
