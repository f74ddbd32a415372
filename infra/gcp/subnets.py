"""Cuts a network's range into what a VPC-native GKE cluster needs: pure arithmetic, the same answer for the same range.

Of sixteen equal parts the first eight are for pods, and one each for nodes, services, and the address that Google's
own services are reached by. Five stay free: the range of pods cannot grow, but a pool of nodes may have another one.
The networks of GPUs among themselves have ranges of their own (`gpu_networks`).

How many nodes there can be follows from the pods: GKE gives each node twice the addresses that its pods need at most,
rounded up to a power of two. With GKE's 110 pods a node that are 256 addresses, so 128 nodes in a /16 and 8 in a /20;
with 64 pods it is twice as many nodes. Sources: GKE, "Configure maximum Pods per node"; "Plan IP addresses in GKE".
"""

import ipaddress
import itertools
from dataclasses import dataclass

from infra import address_ranges

LARGEST, SMALLEST = 16, 20
PODS_PER_NODE = 110
"""Most pods of a node that is not told another number. Source: GKE, "Configure maximum Pods per node"."""
_RESERVED = 4
"""Addresses of a subnet that Google keeps: the first two and the last two. Source: VPC, "Subnets"."""


@dataclass(frozen=True)
class Ranges:
    """The parts of a network."""

    pods: ipaddress.IPv4Network
    """Secondary range of the subnet: half of the network."""
    nodes: ipaddress.IPv4Network
    """Primary range of the subnet: 1/16 of the network. The control plane, internal load balancers and the single
    machine each have an address in it, too."""
    services: ipaddress.IPv4Network
    """Secondary range of the subnet, for Kubernetes services: 1/16 of the network, so 256 at least."""
    google_apis: ipaddress.IPv4Address
    """An address in no subnet, by which Private Service Connect reaches Google's own services."""


def parse_network(cidr: str) -> ipaddress.IPv4Network:
    """The range that a network is made of. Raises ValueError, in words that follow `KEY = VALUE: `."""
    because = "nodes, pods and services each have a part of it, and a /16 is room for 128 nodes"
    return address_ranges.parse_network(cidr, largest=LARGEST, smallest=SMALLEST, because=because)


def plan_ranges(network: ipaddress.IPv4Network) -> Ranges:
    """The parts of a network, disjoint and within it."""
    pods, _ = address_ranges.equal_parts(network, 2)
    nodes, services, outside = itertools.islice(address_ranges.equal_parts(network, 16), 8, 11)
    return Ranges(pods, nodes, services, outside[1])


def addresses_per_node(pods: int) -> int:
    """The addresses that GKE gives a node for its pods. Raises ValueError for a number that GKE does not take.

    :param pods: Most pods of the node, 8 to 256.
    """
    if not 8 <= pods <= 256:
        raise ValueError(f"a node has 8 to 256 pods at most, not {pods}")
    return 1 << (2 * pods - 1).bit_length()


def most_nodes(network: ipaddress.IPv4Network, pods: int = PODS_PER_NODE) -> int:
    """Nodes that the network has addresses for.

    :param pods: Most pods of each node.
    """
    ranges = plan_ranges(network)
    for_pods = ranges.pods.num_addresses // addresses_per_node(pods)
    return min(for_pods, ranges.nodes.num_addresses - _RESERVED)
