"""Placement on nodes that hold only so many: never more, never stuck while there is a way."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.data.bounded_placement import bound_by_weight, place_within_capacity
from planning.data.nodes import StorageNode
from planning.data.placement import number_shards, place
from planning.errors import PlanningError


@st.composite
def tight_clusters(draw: st.DrawFn) -> list[StorageNode]:
    count = draw(st.integers(2, 7))
    return [
        StorageNode(
            name=f"n{number}",
            weight=draw(st.floats(0.2, 5)),
            domain=f"z{draw(st.integers(0, 3))}",
            capacity=draw(st.integers(0, 12)),
        )
        for number in range(count)
    ]


def room_of_domains(nodes: list[StorageNode], shards: int) -> dict[tuple[str, str], int]:
    rooms: dict[tuple[str, str], int] = {}
    for node in nodes:
        rooms[node.failure_domain] = rooms.get(node.failure_domain, 0) + (node.capacity or 0)
    return {domain: min(shards, room) for domain, room in rooms.items()}


@given(nodes=tight_clusters(), shards=st.integers(1, 15), replicas=st.integers(1, 3))
def test_a_placement_is_found_exactly_where_one_exists(nodes: list[StorageNode], shards: int, replicas: int) -> None:
    rooms = room_of_domains(nodes, shards)
    # A shard takes one replica of a domain at most: Gale 1957 and Ryser 1957 say that this is enough.
    exists = len(rooms) >= replicas and sum(rooms.values()) >= replicas * shards
    if not exists:
        with pytest.raises(PlanningError):
            place_within_capacity(number_shards(shards), nodes, replicas=replicas)
        return
    placement = place_within_capacity(number_shards(shards), nodes, replicas=replicas)
    for node, count in zip(nodes, placement.counts(), strict=True):
        assert node.capacity is not None
        assert count <= node.capacity
    for row in placement.chosen:
        domains = [nodes[at].failure_domain for at in row]
        assert all(one != other for one, other in combinations(domains, 2))


@given(data=st.data(), shards=st.integers(2, 12), domains=st.integers(2, 5))
def test_not_one_place_too_many_is_needed(data: st.DataObject, shards: int, domains: int) -> None:
    replicas = data.draw(st.integers(1, domains - 1))
    taken = [data.draw(st.permutations(range(domains)))[:replicas] for _ in range(shards)]
    counts = [sum(domain in row for row in taken) for domain in range(domains)]
    weights = data.draw(st.lists(st.floats(0.1, 10), min_size=domains, max_size=domains))
    nodes = [
        StorageNode(name=f"n{domain}", weight=weights[domain], capacity=counts[domain]) for domain in range(domains)
    ]
    placement = place_within_capacity(number_shards(shards), nodes, replicas=replicas)
    assert placement.counts().tolist() == counts
    assert all(len(set(row)) == replicas for row in placement.chosen.tolist())


def test_with_room_enough_it_is_the_placement_without_capacities() -> None:
    nodes = [StorageNode(name=f"n{i}", weight=1 + i % 3, domain=f"z{i % 4}") for i in range(8)]
    shards = number_shards(500)
    roomy = place_within_capacity(shards, nodes, replicas=2)
    assert (roomy.chosen == place(shards, nodes, replicas=2).chosen).all()


def test_headroom_bounds_the_imbalance() -> None:
    nodes = [StorageNode(name=f"n{i}", weight=1 + i % 2) for i in range(10)]
    shards = number_shards(1000)
    bounded = bound_by_weight(nodes, 1000, replicas=2, headroom=0.02)
    placement = place_within_capacity(shards, bounded, replicas=2)
    for node, count in zip(nodes, placement.counts(), strict=True):
        assert count <= 2000 * 1.02 * node.weight / 15 + 1
    with pytest.raises(PlanningError, match="headroom = -1"):
        bound_by_weight(nodes, 1000, replicas=2, headroom=-1)


def test_missing_room_is_told_in_numbers() -> None:
    nodes = [StorageNode(name="a", capacity=3), StorageNode(name="b", capacity=9)]
    with pytest.raises(PlanningError, match=r"capacity = 8 replicas, .*: must be 10 or more for 5 shards"):
        place_within_capacity(number_shards(5), nodes, replicas=2)
