"""How long all-reduce takes and what it leaves of the GPUs' time, against figures worked by hand."""

import dataclasses
import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import PlanningError
from planning.network.allreduce import (
    allreduce,
    allreduce_seconds,
    least_compute_seconds,
    ring_seconds,
    scaling_efficiency,
    tree_seconds,
)
from planning.network.interconnect import NodeNetwork, network_of
from planning.prices.model import InstanceType

A100_NODE = NodeNetwork(gpus=8, gpu_gbps=2400.0, node_gbps=400.0, gpu_step_seconds=0.0, node_step_seconds=0.0)


def instance(**changes: object) -> InstanceType:
    base = InstanceType(
        cloud="aws", name="p4d.24xlarge", architecture="x86_64", vcpus=96, memory_gib=1152, gpu="A100", gpu_count=8,
        gpu_memory_gib=40, gpu_interconnect="nvlink", nvme_gb=8000, network_gbps=400, rdma_interfaces=4,
        network_cards=4, capacity_blocks=True, hibernation=False, source="price list",
        as_of=datetime.date(2026, 11, 25),
    )  # fmt: skip
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_a_ring_moves_nearly_twice_the_data_and_takes_two_steps_a_member() -> None:
    # 4 members, 1 GB at 8 Gbit/s = 1 GB/s: 2 * 3/4 * 1 s, and 6 steps of 10 ms.
    assert ring_seconds(1e9, 4, 8.0, 0.01) == pytest.approx(1.5 + 0.06)
    assert ring_seconds(1e9, 1, 8.0, 0.01) == 0.0


def test_two_trees_move_twice_the_data_and_take_steps_by_the_logarithm() -> None:
    assert tree_seconds(1e9, 8, 8.0, 0.01) == pytest.approx(2.0 + 0.06)
    assert tree_seconds(1e9, 1, 8.0, 0.01) == 0.0


def test_both_levels_are_added_up() -> None:
    found = allreduce(1e9, 4, A100_NODE, achieved=1.0)
    assert found is not None
    assert found.inside_seconds == pytest.approx(2 * 7 / 8 / 300)
    assert found.between_seconds == pytest.approx(2 * 3 / 4 / 50)
    assert found.seconds == pytest.approx(found.inside_seconds + found.between_seconds)


def test_small_gradients_on_many_nodes_take_the_tree_and_large_ones_the_ring() -> None:
    network = NodeNetwork(gpus=1, node_gbps=100.0, node_step_seconds=1e-5)
    small, large = allreduce(1e4, 64, network), allreduce(1e10, 64, network)
    assert small is not None
    assert large is not None
    assert (small.algorithm, large.algorithm) == ("tree", "ring")


def test_one_node_needs_no_network_and_one_gpu_no_links() -> None:
    alone = allreduce(1e9, 1, NodeNetwork(gpus=8, gpu_gbps=2400.0))
    assert alone is not None
    assert alone.algorithm == ""
    assert allreduce_seconds(1e9, 1, NodeNetwork(gpus=1)) == 0.0


@pytest.mark.parametrize(
    ("network", "nodes", "missing"),
    [
        (NodeNetwork(gpus=8, node_gbps=400.0), 1, ("the bandwidth between the GPUs of a node",)),
        (NodeNetwork(gpus=1), 2, ("the network bandwidth of a node",)),
        (
            NodeNetwork(gpus=8),
            2,
            ("the bandwidth between the GPUs of a node", "the network bandwidth of a node"),
        ),
    ],
)
def test_what_is_unknown_is_not_guessed(network: NodeNetwork, nodes: int, missing: tuple[str, ...]) -> None:
    assert network.unknown(nodes) == missing
    assert allreduce_seconds(1e9, nodes, network) is None
    assert scaling_efficiency(1.0, 1e9, nodes, network) is None


def test_efficiency_is_what_the_wait_leaves() -> None:
    # 14 GB over 4 nodes at 50 GB/s and within at 300 GB/s, all of it achieved.
    communication = 14 * (2 * 7 / 8 / 300 + 2 * 3 / 4 / 50)
    found = scaling_efficiency(0.6, 14e9, 4, A100_NODE, overlap=0.5, achieved=1.0)
    assert found is not None
    assert found.communication_seconds == pytest.approx(communication)
    assert found.exposed_seconds == pytest.approx(communication - 0.3)
    assert found.efficiency == pytest.approx(0.6 / (0.6 + communication - 0.3))
    assert found.warning == f"the GPUs wait {1 - found.efficiency:.0%} of each step for the network between nodes"


def test_a_network_that_sets_the_pace_is_warned_of() -> None:
    slow = scaling_efficiency(0.1, 14e9, 4, A100_NODE)
    fine = scaling_efficiency(10.0, 14e9, 4, A100_NODE)
    inside = scaling_efficiency(0.1, 14e9, 1, NodeNetwork(gpus=8, gpu_gbps=100.0))
    assert slow
    assert fine
    assert inside
    assert slow.network_bound
    assert "the network between nodes, not the GPU, sets the pace" in slow.warning
    assert (fine.network_bound, fine.warning) == (False, "")
    assert "the links between GPUs, not the GPU, sets the pace" in inside.warning


@given(
    compute=st.floats(1e-3, 100),
    size=st.floats(0, 1e12),
    nodes=st.integers(1, 4096),
    overlap=st.floats(0, 1),
)
def test_more_nodes_never_help_and_efficiency_is_a_share(
    compute: float, size: float, nodes: int, overlap: float
) -> None:
    one = scaling_efficiency(compute, size, nodes, A100_NODE, overlap=overlap)
    more = scaling_efficiency(compute, size, nodes + 1, A100_NODE, overlap=overlap)
    assert one
    assert more
    assert 0 < one.efficiency <= 1
    assert more.efficiency <= one.efficiency + 1e-12
    assert one.step_seconds >= compute


@given(communication=st.floats(1e-6, 1e3), efficiency=st.floats(0.05, 0.999), overlap=st.floats(0, 1))
def test_the_least_computing_gives_the_efficiency_asked_for(
    communication: float, efficiency: float, overlap: float
) -> None:
    compute = least_compute_seconds(communication, efficiency, overlap)
    exposed = max(0.0, communication - overlap * compute)
    assert compute / (compute + exposed) == pytest.approx(efficiency, rel=1e-6)


def test_types_bring_their_network_with_them() -> None:
    found = network_of(instance())
    assert (found.gpus, found.gpu_gbps, found.node_gbps) == (8, 2400.0, 400.0)
    assert found.sources == (
        "network: 400 Gbit/s (price list)",
        "between GPUs: 2400 Gbit/s one way, nvlink (NVIDIA data sheet)",
    )


@pytest.mark.parametrize(
    ("gpu", "interconnect", "gbps"),
    [
        ("A100-80GB", "nvlink", 2400.0),
        ("H200", "nvlink", 3600.0),
        ("L4", "pcie", 252.0),
        ("RTX PRO Server 6000", "pcie", 504.0),
        ("RTX-PRO-6000", "pcie", 504.0),
        ("A100", "", None),
        ("RadeonPro-V520", "pcie", None),
    ],
)
def test_links_between_gpus_come_from_data_sheets_or_are_unknown(
    gpu: str, interconnect: str, gbps: float | None
) -> None:
    assert network_of(instance(gpu=gpu, gpu_interconnect=interconnect)).gpu_gbps == gbps


def test_steps_past_the_kernel_are_shorter() -> None:
    assert network_of(instance()).node_step_seconds < network_of(instance(rdma_interfaces=0)).node_step_seconds


def test_given_figures_take_the_place_of_the_books() -> None:
    found = network_of(instance(network_gbps=None, gpu_interconnect=""), gpu_gbps=100.0, node_gbps=50.0)
    assert (found.gpu_gbps, found.node_gbps) == (100.0, 50.0)
    assert all("given" in source for source in found.sources)


def test_bad_figures_are_refused_by_name() -> None:
    with pytest.raises(PlanningError, match="has no GPU"):
        network_of(instance(gpu_count=0, gpu=""))
    with pytest.raises(PlanningError, match="GPU Gbit/s = nan"):
        NodeNetwork(gpus=1, gpu_gbps=math.nan)
    with pytest.raises(PlanningError, match="nodes = 0"):
        allreduce(1e9, 0, A100_NODE)
    with pytest.raises(PlanningError, match="gradient bytes = -1"):
        allreduce(-1, 1, A100_NODE)
    with pytest.raises(PlanningError, match=r"overlap = 1\.5"):
        scaling_efficiency(1.0, 1e9, 1, A100_NODE, overlap=1.5)
    with pytest.raises(PlanningError, match="step seconds = 0"):
        scaling_efficiency(0, 1e9, 1, A100_NODE)
