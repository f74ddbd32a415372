"""The queues of Kueue: what each may give, and that every pool with GPUs is in one."""

import os
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.kubernetes.object import Manifest
from infra.kubernetes.queues import queue_manifests, queue_name
from tests.infra.kubernetes.manifests import as_yaml
from tests.infra.kubernetes.pools import POOLS, gpu_pool

GOLDEN = Path(__file__).parent / "golden"
LABELS = {"app.kubernetes.io/part-of": "trainyard"}


def by_kind(manifests: list[Manifest], kind: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each["spec"] for each in manifests if each["kind"] == kind}


def test_the_objects_are_what_was_reviewed() -> None:
    written = as_yaml(queue_manifests(POOLS, ["research"], LABELS))
    golden = GOLDEN / "queues.yaml"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN") == "1":
        golden.write_text(written)
    assert written == golden.read_text()


def test_a_queue_gives_what_its_pools_have_at_their_largest() -> None:
    queue = by_kind(queue_manifests(POOLS, ["research"], LABELS), "ClusterQueue")["spot"]
    (group,) = queue["resourceGroups"]
    quotas = {
        flavor["name"]: {each["name"]: each["nominalQuota"] for each in flavor["resources"]}
        for flavor in group["flavors"]
    }
    assert quotas["small"]["nvidia.com/gpu"] == "4"
    assert quotas["large"]["nvidia.com/gpu"] == "16"
    assert quotas["large"]["vpc.amazonaws.com/efa"] == "2"
    assert quotas["small"]["vpc.amazonaws.com/efa"] == "0"
    assert quotas["small"]["cpu"] == "14"
    assert {*group["coveredResources"]} == {*quotas["small"]}


def test_spot_jobs_borrow_on_demand_nodes_only_where_they_may() -> None:
    def flavors(*, borrows: bool) -> list[str]:
        manifests = queue_manifests(POOLS, ["research"], LABELS, spot_borrows_on_demand=borrows)
        (group,) = by_kind(manifests, "ClusterQueue")["spot"]["resourceGroups"]
        return [flavor["name"] for flavor in group["flavors"]]

    assert flavors(borrows=False) == ["small", "large"]
    assert flavors(borrows=True) == ["small", "large", "bought"]


def test_every_team_has_a_way_into_every_queue() -> None:
    manifests = queue_manifests(POOLS, ["research", "vision"], LABELS)
    ways = {
        (each["metadata"]["namespace"], each["spec"]["clusterQueue"])
        for each in manifests
        if each["kind"] == "LocalQueue"
    }
    assert ways == {(team, queue) for team in ("research", "vision") for queue in ("spot", "on-demand")}


CAPACITIES = st.sampled_from(["spot", "on_demand", "reserved", "flex_start"])
SOME_POOLS = st.lists(st.tuples(CAPACITIES, st.integers(1, 16), st.integers(1, 50)), max_size=6)


@given(SOME_POOLS, st.booleans())
def test_what_a_queue_names_is_there_and_comes_before_it(drawn: list[Any], borrows: bool) -> None:
    pools = [
        gpu_pool(f"pool-{index}", capacity, gpus=gpus, max_nodes=nodes)
        for index, (capacity, gpus, nodes) in enumerate(drawn)
    ]
    manifests = queue_manifests(pools, ["research"], LABELS, spot_borrows_on_demand=borrows)
    seen: set[str] = set()
    for each in manifests:
        if each["kind"] == "ClusterQueue":
            assert {flavor["name"] for flavor in each["spec"]["resourceGroups"][0]["flavors"]} <= seen
        if each["kind"] == "LocalQueue":
            assert each["spec"]["clusterQueue"] in seen
        seen.add(each["metadata"]["name"])
    queues = by_kind(manifests, "ClusterQueue")
    assert {*queues} == {queue_name(capacity) for capacity, _, _ in drawn}
    total = sum(
        int(each["nominalQuota"])
        for queue in queues.values()
        for flavor in queue["resourceGroups"][0]["flavors"]
        for each in flavor["resources"]
        if each["name"] == "nvidia.com/gpu"
    )
    assert total == sum(pool.most_gpus for pool in pools)
