"""The arithmetic of subnets: never an overlap, the same answer when a zone is added, and room to grow."""

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.subnets import parse_network, plan_subnets, service_range

ZONES = ["a", "b", "c"]


@st.composite
def networks(draw: st.DrawFn) -> ipaddress.IPv4Network:
    """Every network that settings can name."""
    space = ipaddress.IPv4Network(draw(st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])))
    length = draw(st.integers(max(16, space.prefixlen), 20))
    index = draw(st.integers(0, 2 ** (length - space.prefixlen) - 1))
    network = ipaddress.IPv4Network((int(space.network_address) + index * 2 ** (32 - length), length))
    return (
        network
        if not network.overlaps(ipaddress.IPv4Network("172.17.0.0/16"))
        else ipaddress.IPv4Network("10.0.0.0/16")
    )


@given(networks(), st.integers(2, 3))
def test_subnets_lie_apart_within_the_network(network: ipaddress.IPv4Network, count: int) -> None:
    plan = plan_subnets(network, ZONES[:count])
    assert list(plan) == ZONES[:count]
    every = [subnet for zone in plan.values() for subnet in (zone.private, zone.public)]
    assert all(subnet.subnet_of(network) for subnet in every)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(every, 2))


@given(networks())
def test_a_zone_that_is_added_moves_nothing(network: ipaddress.IPv4Network) -> None:
    two, three = plan_subnets(network, ZONES[:2]), plan_subnets(network, ZONES)
    assert {zone: three[zone] for zone in two} == two


@given(networks(), st.integers(2, 3))
def test_nodes_have_most_of_it_and_some_stays_free(network: ipaddress.IPv4Network, count: int) -> None:
    plan = plan_subnets(network, ZONES[:count])
    for zone in plan.values():
        assert zone.private.num_addresses * 4 == network.num_addresses
        # AWS takes no smaller one, and keeps five addresses for itself.
        assert 16 <= zone.public.num_addresses <= 256
    used = sum(zone.private.num_addresses + zone.public.num_addresses for zone in plan.values())
    assert network.num_addresses - used >= network.num_addresses * 15 // 64


def test_there_is_no_fourth_zone() -> None:
    with pytest.raises(ValueError, match="at most 3"):
        plan_subnets(ipaddress.IPv4Network("10.0.0.0/16"), [*ZONES, "d"])


@given(networks())
def test_services_have_addresses_of_their_own(network: ipaddress.IPv4Network) -> None:
    assert not service_range(network).overlaps(network)
    assert service_range(network).is_private


@given(networks())
def test_what_is_valid_is_taken_as_it_is(network: ipaddress.IPv4Network) -> None:
    assert parse_network(str(network)) == network


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.0.0.0/15", "must be /16 to /20"),
        ("10.0.0.0/21", "must be /16 to /20"),
        ("10.0.1.0/16", "must begin where the range does: 10.0.0.0/16"),
        ("8.8.0.0/16", "must lie in a private range"),
        ("172.17.0.0/16", "must not overlap 172.17.0.0/16"),
        ("fd00::/16", "must be an IPv4 range"),
        ("ten", "must be an IPv4 range"),
        ("", "must be an IPv4 range"),
    ],
)
def test_what_is_not_says_what_would_be(cidr: str, said: str) -> None:
    with pytest.raises(ValueError, match="must") as raised:
        parse_network(cidr)
    assert said in str(raised.value)
