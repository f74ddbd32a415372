"""Finds what is left in a network: interfaces, addresses, security groups, and the network itself.

What runs in a cluster makes interfaces and security groups that no stack knows of. Everything in a network of the stack
is the stack's, whoever made it: nothing else can be there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.nodes import termination
from lifecycle.teardown.aws.ownership import mark_of, tag_map
from lifecycle.teardown.subject import Subject

_GONE = ("deleted", "deleting", "failed")


def stack_networks(search: Search) -> set[str]:
    """The ids of the networks that carry the stack's tags. Raises botocore's errors."""
    networks = search.all("ec2", "describe_vpcs")
    return {each["VpcId"] for each in networks if mark_of(search.subject, tag_map(each.get("Tags")))}


def find_interfaces(search: Search) -> Iterator[Found]:
    """Network interfaces: of pods, of load balancers, of the control plane. Raises botocore's errors."""
    networks = stack_networks(search)
    for each in search.all("ec2", "describe_network_interfaces"):
        why = _mark_of_interface(search.subject, each, networks)
        if why:
            removal = _interface_removal(search.subject, each)
            yield Found(Stage.INTERFACES, Leftover("network interface", each["NetworkInterfaceId"], why, removal))


def _mark_of_interface(subject: Subject, interface: Mapping[str, Any], networks: set[str]) -> str:
    described = interface.get("Description", "")
    mark = mark_of(subject, tag_map(interface.get("TagSet")))
    if not mark and described == f"Amazon EKS {subject.cluster_name}":
        mark = f"description {described!r}"
    if not mark and interface.get("VpcId") in networks:
        shown = f", described as {described!r}" if described else ""
        mark = f"it is in the stack's network {interface['VpcId']}{shown}"
    return mark


def _interface_removal(subject: Subject, interface: Mapping[str, Any]) -> tuple[str, ...]:
    region, name = subject.region, interface["NetworkInterfaceId"]
    described = interface.get("Description", "")
    # What AWS made with something else goes with that, and nobody may delete it alone.
    if balancer := re.fullmatch(r"ELB ((?:app|net|gwy)/[\w-]+/\w+)", described):
        owner = f"{subject.region}:{interface['OwnerId']}"
        arn = f"arn:{subject.partition}:elasticloadbalancing:{owner}:loadbalancer/{balancer[1]}"
        return (command(region, "elbv2 delete-load-balancer --load-balancer-arn {arn}", arn=arn),)
    if balancer := re.fullmatch(r"ELB ([\w-]+)", described):
        return (command(region, "elb delete-load-balancer --load-balancer-name {name}", name=balancer[1]),)
    if gateway := re.fullmatch(r"Interface for NAT Gateway (nat-\w+)", described):
        return _gateway_removal(region, gateway[1])
    if endpoint := re.fullmatch(r"VPC Endpoint Interface (vpce-\w+)", described):
        return (command(region, "ec2 delete-vpc-endpoints --vpc-endpoint-ids {id}", id=endpoint[1]),)
    attachment = interface.get("Attachment") or {}
    if attachment.get("InstanceId") and attachment.get("DeleteOnTermination"):
        return termination(region, attachment["InstanceId"])
    lines = []
    if attachment.get("AttachmentId") and not interface.get("RequesterManaged"):
        lines = [
            command(
                region,
                "ec2 detach-network-interface --force --attachment-id {attachment}",
                attachment=attachment["AttachmentId"],
            ),
            command(region, "ec2 wait network-interface-available --network-interface-ids {id}", id=name),
        ]
    return (*lines, command(region, "ec2 delete-network-interface --network-interface-id {id}", id=name))


def find_security_groups(search: Search) -> Iterator[Found]:
    """Security groups, of load balancers and of EKS for example, and the rules of others that hold on to them.

    Raises botocore's errors.
    """
    networks = stack_networks(search)
    groups = list(search.all("ec2", "describe_security_groups"))
    marks = {each["GroupId"]: _mark_of_group(search.subject, each, networks) for each in groups}
    # A network's default group goes with it, and cannot be deleted.
    own = [each for each in groups if marks[each["GroupId"]] and each["GroupName"] != "default"]
    names = {each["GroupId"] for each in own}
    rules = _references(search, groups, names)
    deleted: set[str] = set()
    for each in sorted(own, key=lambda group: group["GroupId"]):
        name = each["GroupId"]
        holding = [rule for rule in rules if _referred(rule) == name and rule["GroupId"] not in deleted]
        deleted.add(name)
        lines = [_revocation(search.subject.region, rule) for rule in holding]
        lines.append(command(search.subject.region, "ec2 delete-security-group --group-id {id}", id=name))
        why = f"{marks[name]} ({each['GroupName']})"
        yield Found(Stage.SECURITY_GROUPS, Leftover("security group", name, why, tuple(lines)))


def _mark_of_group(subject: Subject, group: Mapping[str, Any], networks: set[str]) -> str:
    mark = mark_of(subject, tag_map(group.get("Tags")))
    if not mark and re.fullmatch(rf"eks-cluster-sg-{re.escape(subject.cluster_name)}-\d+", group["GroupName"]):
        mark = "EKS names it after the cluster"
    if not mark and group.get("VpcId") in networks:
        mark = f"it is in the stack's network {group['VpcId']}"
    return mark


def _references(search: Search, groups: Iterable[Mapping[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    """The rules of other groups that refer to one of `names`, which cannot be deleted before they are gone."""
    holders = [each["GroupId"] for each in groups if _refers(each, names)]
    if not holders:
        return []
    filters = [{"Name": "group-id", "Values": holders}]
    rules = search.all("ec2", "describe_security_group_rules", Filters=filters)
    return [rule for rule in rules if _referred(rule) in names and _referred(rule) != rule["GroupId"]]


def _refers(group: Mapping[str, Any], names: set[str]) -> bool:
    permissions = [*group.get("IpPermissions", ()), *group.get("IpPermissionsEgress", ())]
    pairs = [pair.get("GroupId") for each in permissions for pair in each.get("UserIdGroupPairs", ())]
    return any(other in names and other != group["GroupId"] for other in pairs)


def _referred(rule: Mapping[str, Any]) -> str:
    return str((rule.get("ReferencedGroupInfo") or {}).get("GroupId", ""))


def _revocation(region: str, rule: Mapping[str, Any]) -> str:
    way = "egress" if rule.get("IsEgress") else "ingress"
    return command(
        region,
        f"ec2 revoke-security-group-{way} --group-id {{group}} --security-group-rule-ids {{rule}}",
        group=rule["GroupId"],
        rule=rule["SecurityGroupRuleId"],
    )


def find_addresses(search: Search) -> Iterator[Found]:
    """Elastic IP addresses, which cost money while nothing uses them. Raises botocore's errors."""
    networks = stack_networks(search)
    interfaces = list(search.all("ec2", "describe_network_interfaces"))
    own = {each["NetworkInterfaceId"] for each in interfaces if _mark_of_interface(search.subject, each, networks)}
    for each in search.all("ec2", "describe_addresses", "Addresses"):
        why = mark_of(search.subject, tag_map(each.get("Tags")))
        if not why:
            continue
        region, lines = search.subject.region, []
        # An interface that is removed before has let go of it.
        if each.get("AssociationId") and each.get("NetworkInterfaceId") not in own:
            words = "ec2 disassociate-address --association-id {id}"
            lines.append(command(region, words, id=each["AssociationId"]))
        lines.append(command(region, "ec2 release-address --allocation-id {id}", id=each["AllocationId"]))
        name = f"{each['AllocationId']} ({each['PublicIp']})" if each.get("PublicIp") else each["AllocationId"]
        yield Found(Stage.ADDRESSES, Leftover("elastic IP address", name, why, tuple(lines)))


def find_gateways(search: Search) -> Iterator[Found]:
    """NAT gateways, which are shown for an hour after they are deleted. Raises botocore's errors."""
    for each in search.all("ec2", "describe_nat_gateways"):
        why, name = mark_of(search.subject, tag_map(each.get("Tags"))), each["NatGatewayId"]
        if not why:
            continue
        if each["State"] in _GONE:
            yield Found(Stage.GATEWAYS, Leftover("NAT gateway", name, f"its state is {each['State']}"), "going")
            continue
        lines = _gateway_removal(search.subject.region, name)
        yield Found(Stage.GATEWAYS, Leftover("NAT gateway", name, why, lines))


def _gateway_removal(region: str, name: str) -> tuple[str, ...]:
    return (
        command(region, "ec2 delete-nat-gateway --nat-gateway-id {id}", id=name),
        command(region, "ec2 wait nat-gateway-deleted --nat-gateway-ids {id}", id=name),
    )


FINDERS = (
    Finder("NAT gateways", find_gateways, frozenset({"ec2:natgateway"})),
    Finder("network interfaces", find_interfaces, frozenset({"ec2:network-interface"})),
    Finder("elastic IP addresses", find_addresses, frozenset({"ec2:elastic-ip"})),
    Finder("security groups", find_security_groups, frozenset({"ec2:security-group"})),
)
