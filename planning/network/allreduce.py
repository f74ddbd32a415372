"""How long GPUs need to add up their gradients, and what share of their time is left for computing.

Within a node the GPUs reduce-scatter, the nodes all-reduce what each holds, and the GPUs of a node all-gather: the
time is that of both levels, one after the other, which is the cautious reading (a library may overlap them). Between
nodes the better of ring and tree is taken, as NCCL does. Everything here is modelled.
"""

import math
from dataclasses import dataclass
from typing import Literal

from planning.network.interconnect import NodeNetwork
from planning.quantities import above, at_least, between, whole

Algorithm = Literal["", "ring", "tree"]

ACHIEVED = 0.8
"""What share of the hardware's bandwidth an all-reduce reaches: assumed, about what NCCL's own model takes for the
A100, 235 of 300 GB/s (NVIDIA/nccl, src/graph/tuning.cc)."""
OVERLAP = 0.5
"""During what share of the computing of a step gradients can travel: assumed. It is below the two thirds of a step
that the backward pass takes (Kaplan et al., "Scaling Laws for Neural Language Models", 2020: 2 of 3 parts of the
operations), since the first gradients come late and the last ones have nothing left to hide behind (Li et al.,
"PyTorch Distributed", 2020)."""
GOOD_EFFICIENCY = 0.9
"""Below this the wait for the network is worth a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllReduce:
    """One all-reduce over all GPUs of all nodes."""

    seconds: float
    inside_seconds: float
    """Of these, between the GPUs of a node."""
    between_seconds: float
    """Of these, between nodes."""
    algorithm: Algorithm
    """Between nodes; empty for one node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A step of data-parallel training."""

    nodes: int
    gpus: int
    step_seconds: float
    """The whole step: computing, and what of the communication nothing hides."""
    compute_seconds: float
    communication_seconds: float
    """The all-reduce."""
    exposed_seconds: float
    """What of it the GPUs wait for."""
    efficiency: float
    """Share of a step that computes; the throughput is this times that of as many GPUs without any network."""
    network_bound: bool
    """Whether the all-reduce takes longer than the computing: more GPU would not help at all."""
    warning: str
    """Says it where the network, not the GPU, is the limit; empty where it is not."""


def ring_seconds(size_bytes: float, members: int, gbps: float, step_seconds: float) -> float:
    """Ring all-reduce: 2 (N-1)/N S/B + 2 (N-1) alpha.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations" (2009); Thakur
    et al., "Optimization of Collective Communication Operations in MPICH" (2005).
    """
    if members == 1:
        return 0.0
    return 2 * (members - 1) / members * 8 * size_bytes / (gbps * 1e9) + 2 * (members - 1) * step_seconds


def tree_seconds(size_bytes: float, members: int, gbps: float, step_seconds: float) -> float:
    """All-reduce over two binary trees, each with half of the data: 2 S/B + 2 log2(N) alpha.

    Source: Sanders, Speck and Träff, "Two-tree algorithms for full bandwidth broadcast, reduction and scan" (2009);
    NVIDIA, "Massively Scale Your Deep Learning Training with NCCL 2.4" (2019).
    """
    if members == 1:
        return 0.0
    return 2 * 8 * size_bytes / (gbps * 1e9) + 2 * math.ceil(math.log2(members)) * step_seconds


def allreduce(size_bytes: float, nodes: int, network: NodeNetwork, *, achieved: float = ACHIEVED) -> AllReduce | None:
    """The time of one all-reduce of so many bytes on every GPU; None where a bandwidth that it needs is unknown.

    Raises PlanningError for figures that make no sense.
    """
    at_least("gradient bytes", size_bytes, 0.0)
    whole("nodes", nodes, 1)
    between("achieved share of the bandwidth", achieved, 0.01, 1.0)
    if network.unknown(nodes):
        return None
    inside = ring_seconds(size_bytes, network.gpus, achieved * (network.gpu_gbps or math.inf), network.gpu_step_seconds)
    if nodes == 1:
        return AllReduce(seconds=inside, inside_seconds=inside, between_seconds=0.0, algorithm="")
    rate = achieved * (network.node_gbps or math.inf)
    ring = ring_seconds(size_bytes, nodes, rate, network.node_step_seconds)
    tree = tree_seconds(size_bytes, nodes, rate, network.node_step_seconds)
    over = min(ring, tree)
    return AllReduce(
        seconds=inside + over,
        inside_seconds=inside,
        between_seconds=over,
        algorithm="ring" if ring <= tree else "tree",
    )


def allreduce_seconds(
    size_bytes: float, nodes: int, network: NodeNetwork, *, achieved: float = ACHIEVED
) -> float | None:
    """Seconds of one all-reduce; None where a bandwidth that it needs is unknown. Raises PlanningError."""
    found = allreduce(size_bytes, nodes, network, achieved=achieved)
    return None if found is None else found.seconds


def scaling_efficiency(
    compute_seconds: float,
    gradient_bytes: float,
    nodes: int,
    network: NodeNetwork,
    *,
    overlap: float = OVERLAP,
    achieved: float = ACHIEVED,
) -> Scaling | None:
    """What becomes of a step of data-parallel training on so many nodes; None where a bandwidth it needs is unknown.

    :param compute_seconds: A step on one GPU alone, its own batch; it stays the same with more GPUs (weak scaling).
    :param gradient_bytes: What every GPU has to add up each step.
    :param overlap: During what share of the computing gradients can travel.

    Raises PlanningError for figures that make no sense.
    """
    above("step seconds", compute_seconds, 0.0)
    between("overlap", overlap, 0.0, 1.0)
    found = allreduce(gradient_bytes, nodes, network, achieved=achieved)
    if found is None:
        return None
    exposed = max(0.0, found.seconds - overlap * compute_seconds)
    step = compute_seconds + exposed
    return Scaling(
        nodes=nodes,
        gpus=nodes * network.gpus,
        step_seconds=step,
        compute_seconds=compute_seconds,
        communication_seconds=found.seconds,
        exposed_seconds=exposed,
        efficiency=compute_seconds / step,
        network_bound=found.seconds > compute_seconds,
        warning=_warning(found, compute_seconds, compute_seconds / step),
    )


def _warning(found: AllReduce, compute_seconds: float, efficiency: float) -> str:
    if efficiency >= GOOD_EFFICIENCY:
        return ""
    where = "the network between nodes" if found.between_seconds > found.inside_seconds else "the links between GPUs"
    if found.seconds > compute_seconds:
        return f"{where}, not the GPU, sets the pace: adding up gradients takes longer than computing them"
    return f"the GPUs wait {1 - efficiency:.0%} of each step for {where}"


def least_compute_seconds(communication_seconds: float, efficiency: float, overlap: float = OVERLAP) -> float:
    """How long a step has to compute for that efficiency, given what its all-reduce takes.

    Solves compute / (compute + communication - overlap * compute) = efficiency. Raises PlanningError for figures that
    make no sense.
    """
    at_least("communication seconds", communication_seconds, 0.0)
    between("efficiency", efficiency, 0.01, 1.0)
    between("overlap", overlap, 0.0, 1.0)
    waited = 1 / efficiency - 1 + overlap
    return communication_seconds / waited if waited else math.inf
