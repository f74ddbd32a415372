"""How fast the GPUs of an instance reach each other and those of other instances, from the book and data sheets."""

from collections.abc import Mapping
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.prices.model import InstanceType
from planning.quantities import above, whole

NVLINK_GBPS: Mapping[str, float] = {
    "P100": 640.0,
    "V100": 1200.0,
    "A100": 2400.0,
    "H100": 3600.0,
    "H200": 3600.0,
    "B200": 7200.0,
    "B300": 7200.0,
}
"""Gbit/s of all of a GPU's NVLinks in one direction: half of 160, 300, 600, 900 and 1,800 GB/s in both. Source:
NVIDIA's data sheets of these GPUs, NVLink 1 to 5."""
PCIE_GBPS: Mapping[str, float] = {
    "T4": 126.0,
    "T4g": 126.0,
    "P100": 126.0,
    "V100": 126.0,
    "A10": 252.0,
    "A10G": 252.0,
    "A100": 252.0,
    "L4": 252.0,
    "L40S": 252.0,
    "H100": 504.0,
    "RTX PRO 6000": 504.0,
}
"""Gbit/s of 16 lanes in one direction: PCI Express 3.0, 4.0 and 5.0 with 8, 16 and 32 GT/s a lane in 128b/130b code.
Source: PCI-SIG's base specifications; the generation of each GPU from NVIDIA's data sheets."""

NVLINK_STEP_SECONDS = 3.4e-6
PCIE_STEP_SECONDS = 5.7e-6
RDMA_STEP_SECONDS = 9.6e-6
"""Each step of a ring: NCCL's own model of its protocol Simple (NVIDIA/nccl, src/graph/tuning.cc, hwLat)."""
TCP_STEP_SECONDS = 50e-6
"""Each step between nodes through the kernel, where no interface goes past it: assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNetwork:
    """What all-reduce has to work with on each of several equal nodes. Raises PlanningError for bad figures."""

    gpus: int
    """GPUs of each node."""
    gpu_gbps: float | None = None
    """Gbit/s of one GPU to the others of its node, in one direction; None: unknown."""
    node_gbps: float | None = None
    """Gbit/s of a node to the others, all its network cards together; None: unknown."""
    gpu_step_seconds: float = NVLINK_STEP_SECONDS
    """What each step within a node takes besides the data."""
    node_step_seconds: float = TCP_STEP_SECONDS
    """What each step between nodes takes besides the data."""
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole("GPUs of a node", self.gpus, 1)
        for name, value in (("GPU Gbit/s", self.gpu_gbps), ("node Gbit/s", self.node_gbps)):
            if value is not None:
                above(name, value, 0.0)

    def unknown(self, nodes: int) -> tuple[str, ...]:
        """What would have to be known for so many nodes and is not, in words."""
        missing = []
        if self.gpus > 1 and self.gpu_gbps is None:
            missing.append("the bandwidth between the GPUs of a node")
        if nodes > 1 and self.node_gbps is None:
            missing.append("the network bandwidth of a node")
        return tuple(missing)


def network_of(instance: InstanceType, *, gpu_gbps: float | None = None, node_gbps: float | None = None) -> NodeNetwork:
    """What is known of an instance type; a given figure takes the place of the book's.

    Raises PlanningError for a type without GPUs.
    """
    if instance.gpu_count == 0:
        raise PlanningError(f"instance type = {instance.name!r}: has no GPU; name one that has")
    sources = []
    if node_gbps is not None:
        sources.append(f"network: {node_gbps:g} Gbit/s, given")
    elif instance.network_gbps is not None:
        node_gbps = instance.network_gbps
        sources.append(f"network: {node_gbps:g} Gbit/s ({instance.source})")
    if gpu_gbps is not None:
        sources.append(f"between GPUs: {gpu_gbps:g} Gbit/s, given")
    elif instance.gpu_count > 1:
        gpu_gbps = _between_gpus(instance)
        if gpu_gbps is not None:
            sources.append(
                f"between GPUs: {gpu_gbps:g} Gbit/s one way, {instance.gpu_interconnect} (NVIDIA data sheet)"
            )
    step = RDMA_STEP_SECONDS if instance.rdma_interfaces else TCP_STEP_SECONDS
    return NodeNetwork(
        gpus=instance.gpu_count,
        gpu_gbps=gpu_gbps,
        node_gbps=node_gbps,
        gpu_step_seconds=PCIE_STEP_SECONDS if instance.gpu_interconnect == "pcie" else NVLINK_STEP_SECONDS,
        node_step_seconds=step,
        sources=tuple(sources),
    )


def _between_gpus(instance: InstanceType) -> float | None:
    tables = {"nvlink": NVLINK_GBPS, "pcie": PCIE_GBPS}
    table = tables.get(instance.gpu_interconnect)
    if table is None:
        return None
    # The books of the clouds write one GPU in several ways: `A100-80GB`, `RTX-PRO-6000`, `RTX PRO Server 6000`.
    model = " ".join(instance.gpu.replace("-", " ").replace("Server ", "").split())
    return table.get(model) or table.get(model.split(" ")[0])
