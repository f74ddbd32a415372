"""Protocols and ports as security groups and access lists of networks write them."""

from collections.abc import Sequence
from typing import Any

from policies.values import known

EVERY_PORT = range(65536)
ADMINISTRATION = {22: "SSH", 3389: "RDP"}
"""Ports by which people administer machines. CIS AWS Foundations 3.0.0, 5.1 and 5.2, name these two."""
_NAMES = {"-1": "all", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
DIAGNOSTIC = ("icmp", "icmpv6")
"""Protocols by which hosts tell each other that a packet was too large or cannot arrive."""


def protocol_name(protocol: Any) -> str:
    """A protocol's name where it has one; `all` for every protocol. Raises Undecided."""
    text = str(known(protocol)).lower().removesuffix(".0")
    return _NAMES.get(text, text)


def ports_of(protocol: str, first: Any, last: Any) -> range:
    """The ports that a rule is about; none for a protocol that has none. Raises Undecided."""
    if protocol == "all":
        return EVERY_PORT
    if protocol not in ("tcp", "udp"):
        return range(0)
    if known(first) is None or int(first) < 0:
        return EVERY_PORT
    return range(int(first), int(first if known(last) is None else last) + 1)


def in_words(protocol: str, ports: range) -> str:
    """What a message calls them."""
    if protocol == "all":
        return "all protocols"
    if not ports:
        return f"protocol {protocol}"
    return f"{protocol} port {ports.start}" if len(ports) == 1 else f"{protocol} ports {ports.start}-{ports.stop - 1}"


def numbers(ports: Sequence[str]) -> set[int]:
    """Ports that a parameter names."""
    return {int(port) for port in ports if port.isdigit()}
