"""Cuts a network's range into subnets: pure arithmetic, the same answer for the same range and zones.

The range has four equal parts. Each zone has one part for its private subnet, in the order of the zones; the first
1/16 of the last part is cut into small public subnets, one a zone. So with three zones 15/64 of the range stay free,
and with two zones half of it: a zone that is added takes what is free and moves nothing.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from infra import address_ranges

MOST_ZONES = 3
LARGEST, SMALLEST = 16, 20
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
    because = "AWS takes no larger one, and nodes and pods need addresses"
    return address_ranges.parse_network(cidr, largest=LARGEST, smallest=SMALLEST, because=because)


def plan_subnets(network: ipaddress.IPv4Network, zones: Sequence[str]) -> dict[str, Subnets]:
    """The subnets of each zone, disjoint and within the network. Raises ValueError for more than three zones."""
    if len(zones) > MOST_ZONES:
        raise ValueError(f"a network has at most {MOST_ZONES} zones, not {len(zones)}")
    *private, last = address_ranges.equal_parts(network, 4)
    public = address_ranges.equal_parts(last, 64)
    return {zone: Subnets(*pair) for zone, pair in zip(zones, zip(private, public, strict=False), strict=False)}


def service_range(network: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """A range for Kubernetes services that does not overlap the network."""
    return next(services for services in _SERVICES if not services.overlaps(network))
