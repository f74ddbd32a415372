"""The arithmetic of the network on Google Cloud: never an overlap, and room for as many pods as GKE counts."""

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.address_ranges import CONTAINERS, PRIVATE
from infra.gcp.subnets import LARGEST, SMALLEST, Ranges, addresses_per_node, most_nodes, parse_network, plan_ranges


@st.composite
def networks(draw: st.DrawFn) -> ipaddress.IPv4Network:
    """Every network that settings can name."""
    space = draw(st.sampled_from(PRIVATE))
    length = draw(st.integers(max(LARGEST, space.prefixlen), SMALLEST))
    index = draw(st.integers(0, 2 ** (length - space.prefixlen) - 1))
    network = ipaddress.IPv4Network((int(space.network_address) + index * 2 ** (32 - length), length))
    return ipaddress.IPv4Network("10.0.0.0/16") if network.overlaps(CONTAINERS) else network


def every(ranges: Ranges) -> list[ipaddress.IPv4Network]:
    return [ranges.pods, ranges.nodes, ranges.services, ipaddress.IPv4Network(ranges.google_apis)]


@given(networks())
def test_ranges_lie_apart_within_the_network(network: ipaddress.IPv4Network) -> None:
    found = every(plan_ranges(parse_network(str(network))))
    assert all(part.subnet_of(network) for part in found)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(found, 2))


@given(networks())
def test_pods_have_most_of_it_and_some_stays_free(network: ipaddress.IPv4Network) -> None:
    ranges = plan_ranges(network)
    assert ranges.pods.num_addresses * 2 == network.num_addresses
    # Source: VPC, "Subnets": a primary range is no smaller than a /29. GKE: services are at least a /27, at most a /16.
    assert ranges.nodes.prefixlen <= 29
    assert 16 <= ranges.services.prefixlen <= 27
    used = sum(part.num_addresses for part in every(ranges))
    assert network.num_addresses - used >= network.num_addresses * 5 // 16


@given(networks())
def test_the_address_of_private_service_connect_is_one_of_no_subnet(network: ipaddress.IPv4Network) -> None:
    ranges = plan_ranges(network)
    assert ranges.google_apis in network
    assert not any(ranges.google_apis in part for part in (ranges.pods, ranges.nodes, ranges.services))


@pytest.mark.parametrize(
    ("pods", "addresses"),
    # Source: GKE, "Configure maximum Pods per node", the table of ranges by number of pods.
    [
        (8, 16),
        (9, 32),
        (16, 32),
        (17, 64),
        (32, 64),
        (33, 128),
        (64, 128),
        (65, 256),
        (128, 256),
        (129, 512),
        (256, 512),
    ],
)
def test_a_node_gets_the_addresses_that_gke_gives_it(pods: int, addresses: int) -> None:
    assert addresses_per_node(pods) == addresses


@given(st.integers(8, 256))
def test_a_node_has_twice_the_addresses_that_its_pods_need(pods: int) -> None:
    assert 2 * pods <= addresses_per_node(pods) < 4 * pods


@pytest.mark.parametrize("pods", [0, 7, 257])
def test_gke_takes_no_other_number_of_pods(pods: int) -> None:
    with pytest.raises(ValueError, match="8 to 256 pods"):
        addresses_per_node(pods)


@given(networks(), st.integers(8, 256))
def test_all_nodes_find_room_at_once(network: ipaddress.IPv4Network, pods: int) -> None:
    ranges, most = plan_ranges(network), most_nodes(network, pods)
    assert most >= 4
    assert most * addresses_per_node(pods) <= ranges.pods.num_addresses
    assert most <= ranges.nodes.num_addresses - 4
    assert most_nodes(network, 8) >= most


@pytest.mark.parametrize(
    ("cidr", "pods", "nodes"),
    [("10.0.0.0/16", 110, 128), ("10.0.0.0/16", 64, 256), ("10.0.0.0/20", 110, 8), ("10.0.0.0/20", 64, 16)],
)
def test_the_limits_are_those_that_are_told(cidr: str, pods: int, nodes: int) -> None:
    assert most_nodes(parse_network(cidr), pods) == nodes


def test_the_same_range_has_the_same_answer() -> None:
    """Written out: another answer would replace the network of every stack."""
    assert plan_ranges(ipaddress.IPv4Network("10.20.0.0/16")) == Ranges(
        pods=ipaddress.IPv4Network("10.20.0.0/17"),
        nodes=ipaddress.IPv4Network("10.20.128.0/20"),
        services=ipaddress.IPv4Network("10.20.144.0/20"),
        google_apis=ipaddress.IPv4Address("10.20.160.1"),
    )
