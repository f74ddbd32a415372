"""Finds the network and what is fixed in it: everything in a network of the stack is the stack's, whoever made it.

Google deletes no network that something is left in, so whatever of this is there is there with its network.

That is also how the firewalls and routes are known that GKE and controllers make (gke-..., k8s-...).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lifecycle.teardown.finding import Found
from lifecycle.teardown.gcp.commands import place
from lifecycle.teardown.gcp.found import Finder, Search, Stage, labels_of, path_of
from lifecycle.teardown.gcp.ownership import mark_of, network_mark, resource_names, stack_networks

ZONES = ("googleapis", "registries", "old-registries", "control-planes")
"""What there is a private zone of names for (`infra.gcp.google_apis`)."""
_NEVER_DELETED = ("SOA", "NS")
"""Records of a zone that go with it and cannot go before. Source: Cloud DNS, "Delete a zone"."""


@dataclass(frozen=True, slots=True)
class _Family:
    kind: str
    stage: Stage
    list: Callable[[Search], Iterator[dict[str, Any]]]
    removal: str
    has_place: bool = False


_FAMILIES = (
    _Family(
        "firewall",
        Stage.FIREWALLS,
        lambda search: search.calls.beyond_regions("firewalls"),
        "compute firewall-rules delete {name}",
    ),
    _Family("route", Stage.ROUTERS, lambda search: _routes(search), "compute routes delete {name}"),
    _Family(
        "router with its NAT",
        Stage.ROUTERS,
        lambda search: search.calls.everywhere("routers"),
        "compute routers delete {name}",
        has_place=True,
    ),
    _Family(
        "subnet",
        Stage.SUBNETS,
        lambda search: search.calls.everywhere("subnetworks"),
        "compute networks subnets delete {name}",
        has_place=True,
    ),
)


def _routes(search: Search) -> Iterator[dict[str, Any]]:
    for each in search.calls.beyond_regions("routes"):
        # One to a subnet's own range goes with the subnet.
        if not each.get("nextHopNetwork"):
            yield each


def find_parts(search: Search) -> Iterator[Found]:
    """Firewalls, routes, routers and subnets. Raises GoogleError."""
    for family in _FAMILIES:
        for each in family.list(search):
            if why := network_mark(search, each):
                where = f" {place(each['selfLink'])}" if family.has_place else ""
                line = search.line(f"{family.removal}{where}", name=each["name"])
                yield search.left(family.stage, family.kind, each["name"], why, line)


def find_networks(search: Search) -> Iterator[Found]:
    """The network itself, and those of GPUs, with what they are joined to. Raises GoogleError."""
    own = stack_networks(search)
    for each in search.calls.beyond_regions("networks"):
        if path_of(each["selfLink"]) not in own:
            continue
        lines = [
            search.line(
                "compute networks peerings delete {peering} --network={name}",
                peering=peering["name"],
                name=each["name"],
            )
            for peering in each.get("peerings") or ()
        ]
        lines.append(search.line("compute networks delete {name}", name=each["name"]))
        yield search.left(Stage.NETWORKS, "network", each["name"], "its name", *lines)


def find_zones(search: Search) -> Iterator[Found]:
    """Private zones of names, which have to be empty. Raises GoogleError."""
    names = resource_names(search.subject, ZONES)
    for each in search.calls.all("dns", f"projects/{search.project}/managedZones", "managedZones"):
        why = mark_of(search.subject, labels_of(each)) or ("its name" if each["name"] in names else "")
        if not why:
            continue
        path = f"projects/{search.project}/managedZones/{each['name']}/rrsets"
        lines = [
            search.line(
                "dns record-sets delete {record} --type={type} --zone={zone}",
                record=record["name"],
                type=record["type"],
                zone=each["name"],
            )
            for record in search.calls.all("dns", path, "rrsets")
            if record["type"] not in _NEVER_DELETED
        ]
        lines.append(search.line("dns managed-zones delete {name}", name=each["name"]))
        yield search.left(Stage.ZONES, "zone of names", each["name"], f"{why}; {each.get('dnsName', '')}", *lines)


FINDERS = (
    Finder("firewalls, routes, routers and subnets", find_parts),
    Finder("networks", find_networks),
    Finder("zones of names", find_zones, may_be_off=True),
)
