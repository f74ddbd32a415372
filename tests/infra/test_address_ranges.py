"""What is valid of a network's range on every cloud, and how it is cut into equal parts."""

import ipaddress
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.address_ranges import CONTAINERS, PRIVATE, equal_parts, parse_network
from infra.aws import subnets as aws
from infra.gcp import subnets as gcp

BECAUSE = "that is what there is room for"


@st.composite
def networks(draw: st.DrawFn, shortest: int = 8, longest: int = 28) -> ipaddress.IPv4Network:
    """Any range within a private one."""
    space = draw(st.sampled_from(PRIVATE))
    length = draw(st.integers(max(shortest, space.prefixlen), longest))
    index = draw(st.integers(0, 2 ** (length - space.prefixlen) - 1))
    return ipaddress.IPv4Network((int(space.network_address) + index * 2 ** (32 - length), length))


def parsed(cidr: str) -> ipaddress.IPv4Network:
    return parse_network(cidr, largest=16, smallest=20, because=BECAUSE)


@given(networks(16, 20).filter(lambda network: not network.overlaps(CONTAINERS)))
def test_what_is_valid_is_taken_as_it_is_on_every_cloud(network: ipaddress.IPv4Network) -> None:
    assert parsed(str(network)) == network
    assert aws.parse_network(str(network)) == gcp.parse_network(str(network)) == network


@given(networks())
def test_what_is_taken_is_valid(network: ipaddress.IPv4Network) -> None:
    try:
        taken = parsed(str(network))
    except ValueError:
        assert not 16 <= network.prefixlen <= 20 or network.overlaps(CONTAINERS)
    else:
        assert taken.is_private
        assert not taken.overlaps(CONTAINERS)
        assert 16 <= taken.prefixlen <= 20


@pytest.mark.parametrize("parse", [parsed, aws.parse_network, gcp.parse_network])
@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.0.0.0/15", "must be /16 to /20: "),
        ("10.0.0.0/21", "must be /16 to /20: "),
        ("10.0.1.0/16", "must begin where the range does: 10.0.0.0/16"),
        ("8.8.0.0/16", "must lie in a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"),
        ("172.17.0.0/16", "must not overlap 172.17.0.0/16, which containers use on every node"),
        ("fd00::/16", "must be an IPv4 range such as 10.0.0.0/16"),
        ("ten", "must be an IPv4 range such as 10.0.0.0/16"),
        ("", "must be an IPv4 range such as 10.0.0.0/16"),
    ],
)
def test_what_is_not_says_what_would_be(parse: Callable[[str], ipaddress.IPv4Network], cidr: str, said: str) -> None:
    with pytest.raises(ValueError, match="must") as raised:
        parse(cidr)
    assert str(raised.value).startswith(said)


def test_the_reason_of_the_limits_is_told() -> None:
    with pytest.raises(ValueError, match=BECAUSE):
        parsed("10.0.0.0/8")


@given(networks(8, 20), st.sampled_from([1, 2, 4, 8, 16, 64]))
def test_parts_are_equal_and_lie_side_by_side(network: ipaddress.IPv4Network, count: int) -> None:
    parts = list(equal_parts(network, count))
    assert len(parts) == count
    assert {part.num_addresses * count for part in parts} == {network.num_addresses}
    assert all(part.subnet_of(network) for part in parts)
    assert all(one.broadcast_address + 1 == other.network_address for one, other in itertools.pairwise(parts))


@pytest.mark.parametrize("count", [-2, 0, 3, 6, 12])
def test_there_is_no_other_number_of_parts(count: int) -> None:
    with pytest.raises(ValueError, match="equal parts"):
        list(equal_parts(ipaddress.IPv4Network("10.0.0.0/16"), count))
