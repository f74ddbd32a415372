"""Finds load balancers and target groups, which services in a cluster make and a stack does not know of."""

from collections.abc import Iterator, Sequence
from typing import Any

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.network import stack_networks
from lifecycle.teardown.aws.ownership import mark_of, tag_map

_TAGGED_AT_ONCE = 20
"""How many load balancers may be asked for their tags in one call (API reference, DescribeTags)."""


def find_load_balancers(search: Search) -> Iterator[Found]:
    """Application, network and gateway load balancers. Raises botocore's errors."""
    balancers = list(search.all("elbv2", "describe_load_balancers"))
    tags = _tags(search, "elbv2", "ResourceArns", "ResourceArn", [each["LoadBalancerArn"] for each in balancers])
    networks = stack_networks(search)
    for each in balancers:
        arn, region = each["LoadBalancerArn"], search.subject.region
        why = _why(search, tags[arn], each.get("VpcId", ""), networks)
        if not why:
            continue
        words = "elbv2 modify-load-balancer-attributes --load-balancer-arn {arn} --attributes"
        lines = [command(region, "elbv2 delete-load-balancer --load-balancer-arn {arn}", arn=arn)]
        if _protected(search, arn):
            lines.insert(0, command(region, f"{words} Key=deletion_protection.enabled,Value=false", arn=arn))
        lines.append(command(region, "elbv2 wait load-balancers-deleted --load-balancer-arns {arn}", arn=arn))
        yield Found(Stage.LOAD_BALANCERS, Leftover("load balancer", arn, why, tuple(lines)))


def find_classic_load_balancers(search: Search) -> Iterator[Found]:
    """Classic load balancers, which Kubernetes itself makes where no controller does. Raises botocore's errors."""
    balancers = list(search.all("elb", "describe_load_balancers"))
    names = [each["LoadBalancerName"] for each in balancers]
    tags = _tags(search, "elb", "LoadBalancerNames", "LoadBalancerName", names)
    networks = stack_networks(search)
    for each in balancers:
        name = each["LoadBalancerName"]
        why = _why(search, tags[name], each.get("VPCId", ""), networks)
        if why:
            line = command(search.subject.region, "elb delete-load-balancer --load-balancer-name {name}", name=name)
            yield Found(Stage.LOAD_BALANCERS, Leftover("classic load balancer", name, why, (line,)))


def find_target_groups(search: Search) -> Iterator[Found]:
    """What load balancers send to; it outlives them. Raises botocore's errors."""
    groups = list(search.all("elbv2", "describe_target_groups"))
    tags = _tags(search, "elbv2", "ResourceArns", "ResourceArn", [each["TargetGroupArn"] for each in groups])
    networks = stack_networks(search)
    for each in groups:
        arn = each["TargetGroupArn"]
        why = _why(search, tags[arn], each.get("VpcId", ""), networks)
        if why:
            line = command(search.subject.region, "elbv2 delete-target-group --target-group-arn {arn}", arn=arn)
            yield Found(Stage.TARGET_GROUPS, Leftover("target group", arn, why, (line,)))


def _why(search: Search, tags: dict[str, str], network: str, networks: set[str]) -> str:
    mark = mark_of(search.subject, tags)
    return mark or (f"it is in the stack's network {network}" if network in networks else "")


def _protected(search: Search, arn: str) -> bool:
    answer = search.calls.ask("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)
    return {"Key": "deletion_protection.enabled", "Value": "true"} in answer["Attributes"]


def _tags(search: Search, service: str, asked: str, key: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of each, by its name; none for one that has gone meanwhile."""
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for start in range(0, len(names), _TAGGED_AT_ONCE):
        some: dict[str, Any] = {asked: list(names[start : start + _TAGGED_AT_ONCE])}
        answer = search.calls.ask(service, "describe_tags", **some)
        found |= {each[key]: tag_map(each.get("Tags")) for each in answer["TagDescriptions"]}
    return found


FINDERS = (
    Finder("load balancers", find_load_balancers, frozenset({"elasticloadbalancing:loadbalancer"})),
    Finder("classic load balancers", find_classic_load_balancers, frozenset({"elasticloadbalancing:loadbalancer"})),
    Finder("target groups", find_target_groups, frozenset({"elasticloadbalancing:targetgroup"})),
)
