"""Where shards go: the bounds that weighted rendezvous hashing promises, on examples drawn at random."""

import hashlib
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.data.nodes import StorageNode
from planning.data.placement import Placement, movement, number_shards, place
from planning.data.rendezvous import draw, exact_draw, hash_names, pair_hashes
from planning.errors import PlanningError

ROOT = Path(__file__).resolve().parents[3]
SHARDS = number_shards(400)


@st.composite
def clusters(draw_from: st.DrawFn, least: int = 2, most: int = 12) -> list[StorageNode]:
    count = draw_from(st.integers(least, most))
    domains = draw_from(st.integers(2, 6))
    return [
        StorageNode(
            name=f"node-{number}",
            weight=draw_from(st.floats(0.1, 10)),
            domain="" if draw_from(st.booleans()) else f"zone-{number % domains}",
        )
        for number in range(count)
    ]


def replicas_for(nodes: Sequence[StorageNode], wanted: int) -> int:
    return min(wanted, len({node.failure_domain for node in nodes}))


def held(placement: Placement) -> list[set[str]]:
    return [set(placement.holders(shard)) for shard in range(len(placement.chosen))]


@given(nodes=clusters(), wanted=st.integers(1, 4))
def test_replicas_lie_in_different_domains(nodes: list[StorageNode], wanted: int) -> None:
    placement = place(SHARDS, nodes, replicas=replicas_for(nodes, wanted))
    domain_of = {node.name: node.failure_domain for node in nodes}
    for names in held(placement):
        assert len({domain_of[name] for name in names}) == placement.replicas


@given(nodes=clusters(least=3), wanted=st.integers(1, 3), which=st.integers(0, 11))
def test_a_new_node_only_takes_and_takes_one_replica_of_a_shard_at_most(
    nodes: list[StorageNode], wanted: int, which: int
) -> None:
    new = nodes[which % len(nodes)]
    before_nodes = [node for node in nodes if node is not new]
    replicas = replicas_for(before_nodes, wanted)
    before, after = place(SHARDS, before_nodes, replicas=replicas), place(SHARDS, nodes, replicas=replicas)
    for old, now in zip(held(before), held(after), strict=True):
        assert now - old <= {new.name}
    change = movement(before, after)
    assert change.moved == change.least == int(after.counts()[nodes.index(new)])


@given(nodes=clusters(least=3), wanted=st.integers(1, 3), which=st.integers(0, 11))
def test_a_node_that_goes_moves_its_own_shards_only(nodes: list[StorageNode], wanted: int, which: int) -> None:
    gone = nodes[which % len(nodes)]
    rest = [node for node in nodes if node is not gone]
    replicas = replicas_for(rest, wanted)
    before, after = place(SHARDS, nodes, replicas=replicas), place(SHARDS, rest, replicas=replicas)
    for old, now in zip(held(before), held(after), strict=True):
        if gone.name not in old:
            assert now == old
        else:
            assert old - now == {gone.name}
    change = movement(before, after)
    assert change.moved == change.least == int(before.counts()[nodes.index(gone)])


@given(nodes=clusters(), wanted=st.integers(1, 3), which=st.integers(0, 11), factor=st.floats(1.01, 5))
def test_more_weight_only_takes_and_less_only_gives(
    nodes: list[StorageNode], wanted: int, which: int, factor: float
) -> None:
    changed = nodes[which % len(nodes)]
    heavier = [
        StorageNode(name=node.name, weight=node.weight * (factor if node is changed else 1), domain=node.domain)
        for node in nodes
    ]
    replicas = replicas_for(nodes, wanted)
    light, heavy = place(SHARDS, nodes, replicas=replicas), place(SHARDS, heavier, replicas=replicas)
    for small, large in zip(held(light), held(heavy), strict=True):
        assert large - small <= {changed.name}
        assert changed.name not in small or changed.name in large


@given(nodes=clusters())
def test_first_choices_follow_the_weights_within_hoeffdings_bound(nodes: list[StorageNode]) -> None:
    shards = number_shards(4000)
    counts = place(shards, nodes).counts()
    total = sum(node.weight for node in nodes)
    # Hoeffding 1963: beyond this with a probability below 1e-9 for one node of one example.
    bound = math.sqrt(len(shards) * math.log(2 / 1e-9) / 2)
    for node, count in zip(nodes, counts, strict=True):
        assert abs(count - len(shards) * node.weight / total) <= bound


@given(nodes=clusters(), wanted=st.integers(1, 3), seed=st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_are_given_changes_nothing(nodes: list[StorageNode], wanted: int, seed: Any) -> None:
    shuffled = list(nodes)
    seed.shuffle(shuffled)
    replicas = replicas_for(nodes, wanted)
    first, second = place(SHARDS, nodes, replicas=replicas), place(SHARDS, shuffled, replicas=replicas)
    assert [first.holders(shard) for shard in range(400)] == [second.holders(shard) for shard in range(400)]


@given(nodes=clusters(), wanted=st.integers(1, 3))
def test_the_choice_is_that_of_a_plain_calculation_in_exact_numbers(nodes: list[StorageNode], wanted: int) -> None:
    shards = SHARDS[:30]
    replicas = replicas_for(nodes, wanted)
    placement = place(shards, nodes, replicas=replicas)
    hashes = pair_hashes(hash_names(shards), hash_names([node.name for node in nodes]))
    for shard, row in enumerate(hashes):
        drawn = sorted((exact_draw(int(value), node.weight), node) for value, node in zip(row, nodes, strict=True))
        expected: list[StorageNode] = []
        for _, node in drawn:
            if node.failure_domain not in {taken.failure_domain for taken in expected}:
                expected.append(node)
        assert placement.holders(shard) == tuple(node.name for node in expected[:replicas])


def test_draws_that_are_nearly_the_same_are_compared_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [StorageNode(name=f"n{i}", weight=1 + i % 3, domain=f"z{i % 4}") for i in range(9)]
    usual = place(SHARDS, nodes, replicas=3)
    monkeypatch.setattr("planning.data.placement.NEAR", 1.0)
    assert (place(SHARDS, nodes, replicas=3).chosen == usual.chosen).all()


def test_draws_agree_with_their_exact_values() -> None:
    hashes = pair_hashes(hash_names(SHARDS[:20]), hash_names(["a", "b"]))
    drawn = draw(hashes, np.array([1.0, 2.5]))
    for row in range(20):
        for column, weight in enumerate((1.0, 2.5)):
            exact = float(exact_draw(int(hashes[row, column]), weight))
            assert drawn[row, column] == pytest.approx(exact, rel=1e-14)


def test_placements_are_the_same_in_every_process_and_forever() -> None:
    nodes = [StorageNode(name=f"n{i}", weight=1 + i % 3, domain=f"z{i % 4}") for i in range(9)]
    chosen = place(number_shards(2000), nodes, replicas=3).chosen
    digest = hashlib.sha256(chosen.astype("<i4").tobytes()).hexdigest()
    # Written down once: another value means that every data set placed before would have to move.
    assert digest == "e28e345d65343241b1fab6fe3a204120542b4b434d2500b6e984a9c750d5d9f4"
    program = (
        "import hashlib\n"
        "from planning.data.nodes import StorageNode\n"
        "from planning.data.placement import number_shards, place\n"
        "nodes = [StorageNode(name=f'n{i}', weight=1 + i % 3, domain=f'z{i % 4}') for i in range(9)]\n"
        "chosen = place(number_shards(2000), nodes, replicas=3).chosen\n"
        "print(hashlib.sha256(chosen.astype('<i4').tobytes()).hexdigest())\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == digest


def test_more_shards_than_fit_at_once_go_where_they_would_alone() -> None:
    nodes = [StorageNode(name=f"n{i}") for i in range(3)]
    many = place(number_shards(500_000), nodes)
    alone = place(["499999"], nodes)
    assert many.holders(499_999) == alone.holders(0)


def test_too_few_domains_and_bad_nodes_are_refused() -> None:
    two = [StorageNode(name="a", domain="z"), StorageNode(name="b", domain="z"), StorageNode(name="c")]
    with pytest.raises(PlanningError, match="replicas = 3: must be at most 2, the number of failure domains"):
        place(SHARDS, two, replicas=3)
    with pytest.raises(PlanningError, match="nodes = none"):
        place(SHARDS, [])
    bad = [
        StorageNode(name="a", weight=-1),
        StorageNode(name="a", availability=math.nan),
        StorageNode(name="b", capacity=-3),
    ]
    with pytest.raises(PlanningError) as error:
        place(SHARDS, bad)
    assert str(error.value).splitlines() == [
        "node 'a': is there more than once",
        "weight of node a = -1: must be a number from 1e-09 to 1e+09",
        "availability of node a = nan: must be a number from 0 to 1",
        "capacity of node b = -3: must be a whole number, 0 or more",
    ]
    with pytest.raises(PlanningError, match="shards = 0"):
        number_shards(0)
    with pytest.raises(PlanningError, match="400 before, 10 after"):
        movement(place(SHARDS, two), place(SHARDS[:10], two))
