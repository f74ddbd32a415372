"""Which ranges of addresses are the whole internet, or as good as that."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from policies.values import any_holds, known

_WIDEST_PREFIX = {4: 8, 6: 7}
"""Bits. The widest private ranges are 10.0.0.0/8 and fc00::/7, and no organisation has a wider one of its own."""
_HALF_OF_THE_INTERNET = {4: 2**31, 6: 2**124}
"""Addresses. Of IPv6, only 2000::/3 is in use."""


def is_internet(ranges: Sequence[Any]) -> bool:
    """Whether one of these ranges in CIDR notation is the internet, or all of them together. Raises Undecided.

    Rules of one group are not added up: a group has 60 at most, and 60 ranges of /8 are not a quarter of the internet.
    """
    return any_holds(is_whole_internet, ranges) or _are_half([known(cidr) for cidr in ranges])


def is_whole_internet(cidr: Any) -> bool:
    """Whether a range in CIDR notation is wider than any private one. Raises Undecided; what is no range is not."""
    return _is_too_wide(known(cidr))


def _is_too_wide(cidr: Any) -> bool:
    network = _network(cidr)
    return network is not None and network.prefixlen < _WIDEST_PREFIX[network.version]


def _are_half(ranges: Sequence[Any]) -> bool:
    networks = [network for cidr in ranges if (network := _network(cidr))]
    version_4 = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    version_6 = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return (
        sum(each.num_addresses for each in ipaddress.collapse_addresses(version_4)) >= _HALF_OF_THE_INTERNET[4]
        or sum(each.num_addresses for each in ipaddress.collapse_addresses(version_6)) >= _HALF_OF_THE_INTERNET[6]
    )


def contains(outer: Any, inner: Any) -> bool:
    """Whether a range has all addresses of another one. Raises Undecided; what is no range has none."""
    one, other = _network(known(outer)), _network(known(inner))
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return other.subnet_of(one)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return other.subnet_of(one)
    return False


def _network(cidr: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
