"""Which ranges of addresses are the whole internet, or as good as that."""

import ipaddress

from policies.values import known

_WIDEST_PREFIX = {4: 8, 6: 7}
"""Bits. The widest private ranges are 10.0.0.0/8 and fc00::/7; two halves of the internet are the internet."""


def is_whole_internet(cidr: str) -> bool:
    """Whether a range in CIDR notation is wider than any private one. Raises Undecided; what is no range is not."""
    try:
        network = ipaddress.ip_network(known(cidr), strict=False)
    except ValueError:
        return False
    return network.prefixlen < _WIDEST_PREFIX[network.version]
