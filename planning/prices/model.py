"""What a price book holds: instance types, prices of instances and services, regions. All of it frozen.

Money is US dollars. An hour is an hour of a running instance, a month 730 hours. Every row names its source and the day
on which that source was read; for a derived price that is the day of the price that it is derived from. And it says how
good it is: `published` by the cloud, or read from a recording of its own answers; `derived` from a published figure by
a rule that the source names; `assumed` where the source says so.
"""

import datetime
from dataclasses import dataclass
from typing import Literal

Cloud = Literal["aws", "gcp", "azure", "alibaba", "tencent", "huawei"]
CLOUDS: tuple[Cloud, ...] = ("aws", "gcp", "azure", "alibaba", "tencent", "huawei")

Capacity = Literal["on_demand", "spot", "reserved", "flex_start"]
"""How instances are bought, everywhere in this project. reserved: a capacity block or a reservation for a time that is
known beforehand. flex_start: Google's Dynamic Workload Scheduler, which starts when there is room."""
CAPACITIES: tuple[Capacity, ...] = ("on_demand", "spot", "reserved", "flex_start")

Basis = Literal["published", "derived", "assumed"]

InterruptionBand = Literal["", "<5%", "5-10%", "10-15%", "15-20%", ">20%"]
"""How many spot instances of a type were interrupted in a month, as AWS's Spot Instance Advisor tells it; empty where
nobody publishes it."""
INTERRUPTION_BANDS: tuple[InterruptionBand, ...] = ("", "<5%", "5-10%", "10-15%", "15-20%", ">20%")

Interconnect = Literal["", "pcie", "nvlink"]
"""How the GPUs of one instance reach each other; empty where it has one or none, or nobody says."""

Architecture = Literal["x86_64", "arm64"]
ARCHITECTURES: tuple[Architecture, ...] = ("x86_64", "arm64")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """What an instance is, wherever it runs."""

    cloud: Cloud
    name: str
    architecture: Architecture
    vcpus: int
    memory_gib: float | None
    """Main memory in GiB; None where the source does not tell."""
    gpu: str
    """Model of the GPU, such as `A100`; empty: none."""
    gpu_count: int
    gpu_memory_gib: float
    """Memory of each GPU in GiB; 0: none."""
    gpu_interconnect: Interconnect
    nvme_gb: float | None
    """All disks that come with it together, in GB (10^9 bytes); None where the source does not tell."""
    network_gbps: float | None
    """Sustained bandwidth to other nodes, all cards together, in Gbit/s (10^9 bits); None where nobody tells.

    Where there is a network of its own for GPUs (InfiniBand on Azure's ND series), it is that one's."""
    rdma_interfaces: int
    """Interfaces that reach other nodes past the kernel (EFA, GPUDirect, InfiniBand); 0: none known."""
    network_cards: int
    """Network cards; 1 where the source does not tell."""
    capacity_blocks: bool
    """Whether AWS offers it as a capacity block."""
    hibernation: bool
    """Whether it can be stopped with its memory kept."""
    source: str
    as_of: datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePrice:
    """What an hour of an instance costs."""

    cloud: Cloud
    region: str
    zone: str
    """Empty: any zone of the region."""
    instance_type: str
    capacity: Capacity
    usd_per_hour: float
    interruption_band: InterruptionBand
    basis: Basis
    source: str
    as_of: datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrice:
    """What one unit of a service costs from a quantity on. Several rows of one service are its tiers."""

    cloud: Cloud
    region: str
    """`*`: every region of the cloud."""
    service: str
    """What is bought, such as `nat_gateway_hour`; `planning.prices.book.SERVICES` says what each is."""
    unit: str
    """What the price is for, such as `hour`, `GB`, `GiB-month`, `1000 requests`."""
    from_quantity: float
    """Units of a month below this cost what the tier before says; 0 for the first tier."""
    usd_per_unit: float
    basis: Basis
    source: str
    as_of: datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where a cloud has data centres."""

    cloud: Cloud
    name: str
    place: str
    country: str
    """ISO 3166-1 alpha-2."""
    continent: str
    """As in the clouds' price lists: North America, South America, Europe, Asia Pacific, Middle East, Africa."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    source: str
    as_of: datetime.date
