"""The probability that a data set can be read: against formulae by hand and against counting every state."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.data.availability import (
    DomainAvailability,
    least_replicas,
    product_availability,
    shard_availability,
)
from planning.data.joint_availability import joint_availability
from planning.data.nodes import StorageNode, domains_of
from planning.data.placement import Placement, number_shards, place
from planning.errors import PlanningError


@st.composite
def small_placements(draw: st.DrawFn) -> tuple[Placement, int, DomainAvailability]:
    count = draw(st.integers(2, 6))
    nodes = [
        StorageNode(name=f"n{i}", domain=draw(st.sampled_from(["", "x", "y"])), availability=draw(st.floats(0, 1)))
        for i in range(count)
    ]
    replicas = draw(st.integers(1, min(3, len(domains_of(nodes)))))
    shards = number_shards(draw(st.integers(1, 12)))
    domains = DomainAvailability(others=draw(st.floats(0, 1)), own=(("x", draw(st.floats(0, 1))),))
    return place(shards, nodes, replicas=replicas), draw(st.integers(1, replicas)), domains


def by_counting(placement: Placement, needed: int, domains: DomainAvailability) -> float:
    """Adds up the probabilities of all states in which every shard has enough of its nodes."""
    names = domains_of(placement.nodes)
    readable = 0.0
    for domains_up in product([True, False], repeat=len(names)):
        chance = math.prod(domains.of(n) if up else 1 - domains.of(n) for n, up in zip(names, domains_up, strict=True))
        for nodes_up in product([True, False], repeat=len(placement.nodes)):
            weight = chance
            alive = []
            for node, up in zip(placement.nodes, nodes_up, strict=True):
                weight *= node.availability if up else 1 - node.availability
                alive.append(up and domains_up[names.index(node.failure_domain)])
            if all(sum(alive[at] for at in row) >= needed for row in placement.chosen):
                readable += weight
    return readable


@given(case=small_placements())
def test_joint_availability_is_that_of_counting_every_state(case: tuple[Placement, int, DomainAvailability]) -> None:
    placement, needed, domains = case
    found = joint_availability(placement, needed=needed, domains=domains)
    assert found.method == "exact"
    assert found.probability == pytest.approx(by_counting(placement, needed, domains), abs=1e-12)


@given(case=small_placements())
def test_the_product_is_a_lower_bound(case: tuple[Placement, int, DomainAvailability]) -> None:
    placement, needed, domains = case
    joint = joint_availability(placement, needed=needed, domains=domains).probability
    assert product_availability(placement, needed=needed, domains=domains) <= joint + 1e-12


@given(case=small_placements())
def test_bounds_hold_around_the_exact_value(case: tuple[Placement, int, DomainAvailability]) -> None:
    placement, needed, domains = case
    exact = by_counting(placement, needed, domains)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planning.data.joint_availability.MOST_EXACT_PARTS", 0)
        found = joint_availability(placement, needed=needed, domains=domains, trials=0)
    assert found.method == "bounds"
    assert found.at_least - 1e-12 <= exact <= found.at_most + 1e-12


def test_the_simulation_finds_the_exact_value_within_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [StorageNode(name=f"n{i}", domain=f"z{i % 3}", availability=0.9) for i in range(9)]
    domains = DomainAvailability(others=0.97)
    placement = place(number_shards(100), nodes, replicas=2)
    exact = joint_availability(placement, domains=domains)
    monkeypatch.setattr("planning.data.joint_availability.MOST_EXACT_PARTS", 0)
    found = joint_availability(placement, domains=domains, trials=50_000)
    again = joint_availability(placement, domains=domains, trials=50_000)
    assert (found.method, found.trials) == ("simulated", 50_000)
    assert found.at_least <= exact.probability <= found.at_most
    assert found == again


def test_shards_that_share_no_node_multiply() -> None:
    nodes = tuple(StorageNode(name=f"n{i}", availability=0.9) for i in range(6))
    placement = Placement(nodes=nodes, chosen=np.array([[0, 1], [2, 3], [4, 5]], dtype=np.int32))
    assert product_availability(placement) == pytest.approx(0.99**3)
    assert joint_availability(placement).probability == pytest.approx(0.99**3)


def test_shards_on_the_same_nodes_are_as_available_as_one() -> None:
    nodes = tuple(StorageNode(name=f"n{i}", availability=0.9) for i in range(2))
    placement = Placement(nodes=nodes, chosen=np.array([[0, 1], [1, 0], [0, 1]], dtype=np.int32))
    assert product_availability(placement) == pytest.approx(0.99**3)
    assert joint_availability(placement).probability == pytest.approx(0.99)


def test_a_domain_takes_its_nodes_with_it() -> None:
    nodes = tuple(StorageNode(name=f"n{i}", domain="zone") for i in range(3))
    placement = place(number_shards(5), nodes)
    domains = DomainAvailability(own=(("zone", 0.75),))
    assert joint_availability(placement, domains=domains).probability == pytest.approx(0.75)
    assert product_availability(placement, domains=domains) == pytest.approx(0.75**5)


def test_replicas_and_erasure_codes_follow_their_formulae() -> None:
    assert shard_availability([0.9, 0.9, 0.8]) == pytest.approx(1 - 0.1 * 0.1 * 0.2)
    assert shard_availability([0.9] * 6, needed=4) == pytest.approx(
        sum(math.comb(6, k) * 0.9**k * 0.1 ** (6 - k) for k in range(4, 7))
    )
    assert shard_availability([0.9, 0.5], needed=2) == pytest.approx(0.45)


def test_tiny_losses_are_not_lost_in_rounding() -> None:
    nodes = [StorageNode(name=f"n{i}", availability=1 - 1e-6) for i in range(40)]
    placement = place(number_shards(2000), nodes, replicas=2)
    found = joint_availability(placement)
    sets = len({tuple(sorted(row)) for row in placement.chosen.tolist()})
    assert found.method == "bounds"
    assert 1 - found.probability == pytest.approx(sets * 1e-12, rel=1e-3)


@given(
    shards=st.integers(1, 10**6),
    availability=st.floats(0.5, 0.9999),
    target=st.floats(0.5, 0.999999),
    most=st.integers(1, 12),
)
def test_the_least_replicas_reach_the_target_and_one_less_does_not(
    shards: int, availability: float, target: float, most: int
) -> None:
    def reached(replicas: int) -> float:
        return math.exp(shards * math.log1p(-((1 - availability) ** replicas)))

    found, value = least_replicas(shards, availability, target, most=most)
    # What is reached and what is asked for may agree to the last digit but one: neither side is wrong then.
    if found is None:
        assert reached(most) < target * (1 + 1e-9)
        assert value == pytest.approx(reached(most))
    else:
        assert reached(found) > target * (1 - 1e-9)
        assert found == 1 or reached(found - 1) < target * (1 + 1e-9)


def test_some_targets_are_out_of_reach() -> None:
    assert least_replicas(1000, 0.99, 1.0, most=5)[0] is None
    assert least_replicas(1000, 1.0, 1.0, most=5) == (1, 1.0)
    assert least_replicas(10, 0.0, 0.5, most=5) == (None, 0.0)


def test_what_is_no_probability_is_refused() -> None:
    nodes = [StorageNode(name="a"), StorageNode(name="b", domain="z")]
    placement = place(number_shards(3), nodes)
    with pytest.raises(PlanningError, match=r"availability = 1\.5"):
        shard_availability([1.5])
    with pytest.raises(PlanningError, match="needed parts = 2: must be at most 1"):
        joint_availability(placement, needed=2)
    with pytest.raises(PlanningError, match="availability of domain z = nan"):
        product_availability(placement, domains=DomainAvailability(others=math.nan))
    with pytest.raises(PlanningError, match="target = 0"):
        least_replicas(1, 0.9, 0.0, most=2)
