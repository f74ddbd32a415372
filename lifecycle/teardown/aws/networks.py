"""Finds the network itself and what is fixed in it, which a destroy leaves only where it fails: by the stack's tags."""

from collections.abc import Iterator
from dataclasses import dataclass

from lifecycle.teardown.audit import Leftover
from lifecycle.teardown.aws.commands import command
from lifecycle.teardown.aws.found import Finder, Found, Search, Stage
from lifecycle.teardown.aws.ownership import mark_of, tag_map


@dataclass(frozen=True, slots=True)
class _Family:
    kind: str
    stage: Stage
    type: str
    """As ARNs have it."""
    operation: str
    id: str
    """Which field of an answer is the id."""
    removal: str
    state: str = ""
    """Which field tells how it stands with it."""


_FAMILIES = (
    _Family(
        "VPC endpoint",
        Stage.GATEWAYS,
        "vpc-endpoint",
        "describe_vpc_endpoints",
        "VpcEndpointId",
        "delete-vpc-endpoints --vpc-endpoint-ids {id}",
        "State",
    ),
    _Family(
        "flow log",
        Stage.RECORDS,
        "vpc-flow-log",
        "describe_flow_logs",
        "FlowLogId",
        "delete-flow-logs --flow-log-ids {id}",
    ),
    _Family("subnet", Stage.SUBNETS, "subnet", "describe_subnets", "SubnetId", "delete-subnet --subnet-id {id}"),
    _Family(
        "route table",
        Stage.ROUTES,
        "route-table",
        "describe_route_tables",
        "RouteTableId",
        "delete-route-table --route-table-id {id}",
    ),
    _Family("VPC", Stage.NETWORKS, "vpc", "describe_vpcs", "VpcId", "delete-vpc --vpc-id {id}", "State"),
)
_GOING = ("deleting", "deleted")


def find_networks(search: Search) -> Iterator[Found]:
    """Networks with their subnets, route tables, endpoints and flow logs. Raises botocore's errors."""
    for family in _FAMILIES:
        for each in search.all("ec2", family.operation):
            why, name = mark_of(search.subject, tag_map(each.get("Tags"))), each[family.id]
            state = str(each.get(family.state, "")).lower()
            if why and state in _GOING:
                yield Found(family.stage, Leftover(family.kind, name, f"its state is {state}"), "going")
            elif why:
                line = command(search.subject.region, f"ec2 {family.removal}", id=name)
                yield Found(family.stage, Leftover(family.kind, name, why, (line,)))


def find_internet_gateways(search: Search) -> Iterator[Found]:
    """Internet gateways, which have to be detached first. Raises botocore's errors."""
    region = search.subject.region
    for each in search.all("ec2", "describe_internet_gateways"):
        why, name = mark_of(search.subject, tag_map(each.get("Tags"))), each["InternetGatewayId"]
        if not why:
            continue
        words = "ec2 detach-internet-gateway --internet-gateway-id {id} --vpc-id {network}"
        lines = [command(region, words, id=name, network=at["VpcId"]) for at in each["Attachments"]]
        lines.append(command(region, "ec2 delete-internet-gateway --internet-gateway-id {id}", id=name))
        yield Found(Stage.ROUTES, Leftover("internet gateway", name, why, tuple(lines)))


FINDERS = (
    Finder("networks", find_networks, frozenset(f"ec2:{each.type}" for each in _FAMILIES)),
    Finder("internet gateways", find_internet_gateways, frozenset({"ec2:internet-gateway"})),
)
