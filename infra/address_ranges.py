"""What is valid of a network's range on every cloud, and how it is cut: pure arithmetic, the same answer for the same
range."""

import ipaddress
from collections.abc import Iterator

PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""The ranges that the internet does not route. Source: RFC 1918."""
CONTAINERS = ipaddress.IPv4Network("172.17.0.0/16")
"""The bridge that containers use on a node. Sources: Amazon EKS user guide, "View Amazon EKS networking requirements
for VPC and subnets"; GKE, "About IP address management in GKE"."""


def parse_network(cidr: str, *, largest: int, smallest: int, because: str) -> ipaddress.IPv4Network:
    """The range that a network is made of. Raises ValueError, in words that follow `KEY = VALUE: `.

    :param largest: Prefix length of the largest range that is valid, in bits.
    :param smallest: That of the smallest one.
    :param because: Why it is no larger and no smaller.
    """
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        try:
            meant = ipaddress.IPv4Network(cidr, strict=False)
        except ValueError:
            raise ValueError("must be an IPv4 range such as 10.0.0.0/16") from None
        raise ValueError(f"must begin where the range does: {meant}") from None
    if not any(network.subnet_of(private) for private in PRIVATE):
        raise ValueError("must lie in a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if network.overlaps(CONTAINERS):
        raise ValueError(f"must not overlap {CONTAINERS}, which containers use on every node")
    if not largest <= network.prefixlen <= smallest:
        raise ValueError(f"must be /{largest} to /{smallest}: {because}")
    return network


def equal_parts(network: ipaddress.IPv4Network, parts: int) -> Iterator[ipaddress.IPv4Network]:
    """The network in equal parts, in order. Raises ValueError for a number of parts that is no power of two.

    A part is where it is however many others are used: what is added takes a part that was free, and moves nothing.
    """
    if parts < 1 or parts & (parts - 1):
        raise ValueError(f"a range has 1, 2, 4, 8 or so on equal parts, not {parts}")
    return network.subnets(prefixlen_diff=parts.bit_length() - 1)
