"""Which worker reads which shard: as good as trying everything, and balanced."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planning.data.locality import Worker, assign_shards, distant_bytes
from planning.data.nodes import StorageNode
from planning.data.placement import Placement, number_shards, place
from planning.errors import PlanningError

WHOLE_COSTS = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 3)),
    elements=st.integers(0, 50).map(float),
)
ANY_COSTS = arrays(
    np.float64,
    st.tuples(st.integers(1, 40), st.integers(1, 8)),
    elements=st.floats(0, 1e12, allow_nan=False),
)


@given(costs=WHOLE_COSTS)
def test_nothing_cheaper_exists(costs: np.ndarray) -> None:
    shards, workers = costs.shape
    least, most = shards // workers, -(-shards // workers)
    cheapest = min(
        sum(costs[shard, worker] for shard, worker in enumerate(choice))
        for choice in product(range(workers), repeat=shards)
        if all(least <= choice.count(worker) <= most for worker in range(workers))
    )
    assert assign_shards(costs).cost == pytest.approx(cheapest)


@given(costs=ANY_COSTS)
def test_every_shard_has_one_worker_and_loads_differ_by_one_at_most(costs: np.ndarray) -> None:
    found = assign_shards(costs)
    assert found.worker_of.shape == (len(costs),)
    assert ((found.worker_of >= 0) & (found.worker_of < costs.shape[1])).all()
    assert sum(found.loads) == len(costs)
    assert max(found.loads) - min(found.loads) <= 1
    assert found.cost == pytest.approx(costs[np.arange(len(costs)), found.worker_of].sum())


def test_shards_are_read_where_they_lie() -> None:
    nodes = (StorageNode(name="a", domain="zone-1"), StorageNode(name="b", domain="zone-2"), StorageNode(name="c"))
    placement = Placement(nodes=nodes, chosen=np.array([[0], [0], [1], [1], [2], [2]], dtype=np.int32))
    workers = [Worker(name="x", domain="zone-2"), Worker(name="y", domain="zone-1"), Worker(name="z", domain="c")]
    costs = distant_bytes(placement, workers, [1e9] * 6)
    found = assign_shards(costs)
    assert [workers[at].name for at in found.worker_of] == ["y", "y", "x", "x", "z", "z"]
    assert found.cost == 0


def test_balance_comes_before_locality_and_large_shards_before_small_ones() -> None:
    nodes = (StorageNode(name="a", domain="zone-1"), StorageNode(name="b", domain="zone-2"))
    placement = Placement(nodes=nodes, chosen=np.array([[0], [0], [0], [0]], dtype=np.int32))
    workers = [Worker(name="x", domain="zone-1"), Worker(name="y", domain="zone-2")]
    found = assign_shards(distant_bytes(placement, workers, [5e9, 1e9, 4e9, 2e9]))
    assert found.loads == (2, 2)
    assert found.worker_of.tolist() == [0, 1, 0, 1]
    assert found.cost == 3e9


def test_replicas_help_locality() -> None:
    nodes = [StorageNode(name=f"n{i}", domain=f"z{i % 4}") for i in range(8)]
    workers = [Worker(name=f"w{i}", domain=f"z{i}") for i in range(4)]
    shards = number_shards(200)
    far = [assign_shards(distant_bytes(place(shards, nodes, replicas=r), workers, [1.0] * 200)).cost for r in (1, 2, 4)]
    assert far[0] > far[1] >= far[2] == 0


def test_bad_input_is_refused() -> None:
    placement = place(number_shards(2), [StorageNode(name="a")])
    worker = Worker(name="w", domain="a")
    with pytest.raises(PlanningError) as error:
        distant_bytes(placement, [worker, worker], [1.0])
    assert str(error.value).splitlines() == [
        "worker 'w': is there more than once",
        "shard sizes = 1: must be as many as shards, 2",
    ]
    with pytest.raises(PlanningError, match="workers = none"):
        distant_bytes(placement, [], [1.0, 1.0])
    with pytest.raises(PlanningError, match="bytes of a shard = -1"):
        distant_bytes(placement, [worker], [1.0, -1.0])
    with pytest.raises(PlanningError, match="finite"):
        assign_shards(np.array([[np.nan]]))
    with pytest.raises(PlanningError, match="one or more of both"):
        assign_shards(np.empty((0, 2)))
    with pytest.raises(PlanningError, match="more than can be solved"):
        assign_shards(np.arange(2_100_000, dtype=float).reshape(-1, 2))
