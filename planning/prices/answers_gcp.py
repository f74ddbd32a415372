"""Turns Google Cloud's price list into rows of the price book: machines are sold by their parts, so parts are added up.

A machine costs its vCPUs, its memory, its GPUs and its local SSDs, each a SKU of its own. The sum is what Google's own
table of machine types shows: for a2-highgpu-1g in Iowa 12 x A2 Core + 85 x A2 Ram + 1 x A100 = $3.6736 an hour.

Sources: Google, "Cloud Billing Catalog API", services.skus; the descriptions of SKUs as its price list has them (2026).
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planning.prices.model import Capacity, InstancePrice, InstanceType
from planning.quantities import BYTES_PER_GB, BYTES_PER_GIB, HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One SKU: what one unit of a part costs for an hour."""

    description: str
    regions: tuple[str, ...]
    usd_per_hour: float
    """For a vCPU, a GiB of memory or of local SSD, or a GPU."""


@dataclass(frozen=True, slots=True)
class _Family:
    machine: str
    """What the names of its types begin with."""
    parts: str
    """What the SKUs of its vCPUs and memory are called."""
    gpus: tuple[str, ...] = ()
    """What the SKU of its GPU is called; several names are one after the other in time."""


_FAMILIES = (
    _Family("a2-highgpu-", "A2", ("Nvidia Tesla A100 GPU",)),
    _Family("a2-megagpu-", "A2", ("Nvidia Tesla A100 GPU",)),
    _Family("a2-ultragpu-", "A2", ("Nvidia Tesla A100 80GB GPU",)),
    _Family("a3-highgpu-", "A3", ("Nvidia H100 80GB GPU",)),
    _Family(
        "a3-megagpu-", "A3Plus", ("Nvidia H100 80GB Plus GPU", "Nvidia H100 80GB Mega GPU", "Nvidia H100 Mega 80GB GPU")
    ),
    _Family("g2-standard-", "G2", ("Nvidia L4 GPU",)),
    _Family("g4-standard-", "G4", ("RTX 6000 96GB",)),
    _Family("n1-standard-", "N1 Predefined"),
    _Family("n1-highmem-", "N1 Predefined"),
    _Family("n2-standard-", "N2"),
    _Family("n2-highmem-", "N2"),
    _Family("n2d-standard-", "N2D AMD"),
    _Family("n4-standard-", "N4"),
    _Family("c3-standard-", "C3"),
    _Family("c4-standard-", "C4"),
    _Family("e2-standard-", "E2"),
    _Family("e2-highmem-", "E2"),
    _Family("c2d-highcpu-", "C2D AMD"),
)
"""A3 Ultra and A4 are sold by slices of a GPU, in other ways than on demand; they are not here."""

_NOT_ON_DEMAND = frozenset({"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"})
"""Sold as spot and flex-start only. Source: Google, "GPU machine types"."""

_LOCAL_SSD = "SSD backed Local Storage"
_BOUGHT: Mapping[Capacity, tuple[str, str, str]] = {
    "on_demand": ("{parts} Instance {part} running in ", "{gpu} running in ", _LOCAL_SSD),
    "spot": (
        "Spot Preemptible {parts} Instance {part} running in ",
        "{gpu} attached to Spot Preemptible VMs running in ",
        f"{_LOCAL_SSD} attached to Spot Preemptible VMs",
    ),
    "flex_start": (
        "DWS Defined Duration {parts} {part} running in ",
        "{gpu} attached to DWS Defined Duration VMs running in ",
        # Nobody has been seen to bill these by a SKU of flex-start.
        _LOCAL_SSD,
    ),
}
"""How the descriptions of a part's SKU begin: of vCPUs and memory, of GPUs, of local SSDs."""


def hourly_rate(units: int, nanos: int, usage_unit: str) -> float | None:
    """US dollars an hour from a SKU's price; None for a unit that is neither an hour nor a month."""
    price = units + nanos / 1e9
    if usage_unit in ("h", "GiBy.h"):
        return price
    return price / HOURS_PER_MONTH if usage_unit == "GiBy.mo" else None


def machine_prices(
    rates: Iterable[Rate], known: Iterable[InstanceType], region: str, day: datetime.date
) -> list[InstancePrice]:
    """What the machines of a region cost, on demand, as spot and as flex-start.

    A machine with a part that has no price, or more than one, has none in the answer.
    """
    here = [rate for rate in rates if region in rate.regions]
    found: list[InstancePrice] = []
    for machine in known:
        family = next((each for each in _FAMILIES if machine.name.startswith(each.machine)), None)
        if family is None:
            continue
        for capacity in _BOUGHT:
            price = _machine_price(here, machine, family, capacity, region, day)
            found += [] if price is None else [price]
    return found


def _machine_price(
    here: list[Rate], machine: InstanceType, family: _Family, capacity: Capacity, region: str, day: datetime.date
) -> InstancePrice | None:
    if capacity == "on_demand" and machine.name in _NOT_ON_DEMAND:
        return None
    if capacity == "flex_start" and not machine.gpu_count:
        return None
    part, gpu, ssd = _BOUGHT[capacity]
    costs = [
        _cost(here, machine.vcpus, [part.format(parts=family.parts, part="Core")]),
        _cost(here, machine.memory_gib, [part.format(parts=family.parts, part="Ram")]),
        _cost(here, machine.gpu_count, [gpu.format(gpu=name) for name in family.gpus]),
        _cost(here, None if machine.nvme_gb is None else machine.nvme_gb * BYTES_PER_GB / BYTES_PER_GIB, [ssd]),
    ]
    if None in costs:
        return None
    return InstancePrice(
        cloud="gcp",
        region=region,
        zone="",
        instance_type=machine.name,
        capacity=capacity,
        usd_per_hour=round(sum(cost for cost in costs if cost is not None), 6),
        interruption_band="",
        basis="derived",
        source="Cloud Billing Catalog, Compute Engine: the sum of the SKUs of its parts",
        as_of=day,
    )


def _cost(here: list[Rate], quantity: float | None, beginnings: list[str]) -> float | None:
    """What so much of a part costs; None where the quantity or the price is unknown."""
    if not quantity:
        return 0.0 if quantity == 0 else None
    for beginning in beginnings:
        # What follows is the place. Only the SKU of plain local SSDs begins as others do.
        known = {
            rate.usd_per_hour
            for rate in here
            if rate.description.startswith(beginning)
            and (beginning != _LOCAL_SSD or "attached to" not in rate.description)
        }
        if len(known) == 1:
            return quantity * known.pop()
    return None
