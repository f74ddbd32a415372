"""Cuts a network's range into subnets: pure arithmetic, the same answer for the same range and zones.

The range is halved until there are four equal parts. Each zone has one part for its private subnet, in the order of the
zones; the first 1/16 of the last part is cut into small public subnets, one a zone. So with three zones 15/64 of the
range stay free, and with two zones half of it: a zone that is added takes what is free and moves nothing.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

MOST_ZONES = 3
LARGEST, SMALLEST = 16, 20
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# Source: Amazon EKS user guide, "View Amazon EKS networking requirements for VPC and subnets": Docker's bridge.
_DOCKER = ipaddress.IPv4Network("172.17.0.0/16")
# Source: EKS API, KubernetesNetworkConfigRequest: the ranges that EKS chooses from.
_SERVICES = tuple(map(ipaddress.IPv4Network, ("172.20.0.0/16", "10.100.0.0/16")))


@dataclass(frozen=True)
class Subnets:
    """The subnets of one zone."""

    private: ipaddress.IPv4Network
    """For nodes and pods: a quarter of the network."""
    public: ipaddress.IPv4Network
    """For a NAT gateway and nothing else: 1/256 of the network, so 16 addresses at least."""


def parse_network(cidr: str) -> ipaddress.IPv4Network:
    """The range that a network is made of. Raises ValueError, in words that follow `KEY = VALUE: `."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        try:
            meant = ipaddress.IPv4Network(cidr, strict=False)
        except ValueError:
            raise ValueError("must be an IPv4 range such as 10.0.0.0/16") from None
        raise ValueError(f"must begin where the range does: {meant}") from None
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise ValueError("must lie in a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if network.overlaps(_DOCKER):
        raise ValueError(f"must not overlap {_DOCKER}, which containers use on every node")
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise ValueError(
            f"must be /{LARGEST} to /{SMALLEST}: AWS takes no larger one, and nodes and pods need addresses"
        )
    return network


def plan_subnets(network: ipaddress.IPv4Network, zones: Sequence[str]) -> dict[str, Subnets]:
    """The subnets of each zone, disjoint and within the network. Raises ValueError for more than three zones."""
    if len(zones) > MOST_ZONES:
        raise ValueError(f"a network has at most {MOST_ZONES} zones, not {len(zones)}")
    *private, last = network.subnets(prefixlen_diff=2)
    public = last.subnets(prefixlen_diff=6)
    return {zone: Subnets(*pair) for zone, pair in zip(zones, zip(private, public, strict=False), strict=False)}


def service_range(network: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """A range for Kubernetes services that does not overlap the network."""
    return next(services for services in _SERVICES if not services.overlaps(network))
