"""The price book: read from its tables, checked as a whole, and asked for prices.

The shipped book lies in `planning/prices/data/`: `types_CLOUD.csv`, `instances_CLOUD.csv` and `services_CLOUD.csv` for
each cloud, and `regions.csv`. A folder of the same form, such as the one that `yard prices refresh` writes, can be laid
over it: its rows take the place of those for the same thing.
"""

import datetime
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from planning.prices.model import CLOUDS, Capacity, Cloud, InstancePrice, InstanceType, Region, ServicePrice
from planning.prices.tables import PriceBookError, read_table

SHIPPED = Path(__file__).with_name("data")

SERVICES: Mapping[str, str] = {
    "block_storage_gib_month": "GiB-month",
    "block_storage_iops_month": "IOPS-month",
    "block_storage_mibps_month": "MiB/s-month",
    "block_storage_hyperdisk_gib_month": "GiB-month",
    "block_storage_ssd_gib_month": "GiB-month",
    "block_storage_standard_gib_month": "GiB-month",
    "local_ssd_gib_month": "GiB-month",
    "local_ssd_spot_gib_month": "GiB-month",
    "accelerator_p100_hour": "hour",
    "accelerator_p100_spot_hour": "hour",
    "accelerator_p4_hour": "hour",
    "accelerator_p4_spot_hour": "hour",
    "accelerator_t4_hour": "hour",
    "accelerator_t4_spot_hour": "hour",
    "accelerator_v100_hour": "hour",
    "object_storage_gib_month": "GiB-month",
    "object_put_1000": "1000 requests",
    "object_get_1000": "1000 requests",
    "object_monitoring_1000_month": "1000 objects-month",
    "object_transition_1000": "1000 requests",
    "nat_gateway_hour": "hour",
    "nat_gateway_gb": "GB",
    "nat_machine_hour": "hour",
    "endpoint_hour": "hour",
    "endpoint_gb": "GB",
    "public_ipv4_hour": "hour",
    "load_balancer_hour": "hour",
    "load_balancer_capacity_hour": "hour",
    "network_load_balancer_hour": "hour",
    "network_load_balancer_capacity_hour": "hour",
    "load_balancer_gb": "GB",
    "dns_zone_month": "month",
    "dns_queries_1000000": "1000000 requests",
    "kubernetes_control_plane_hour": "hour",
    "kubernetes_extended_support_hour": "hour",
    "binary_authorization_hour": "hour",
    "kms_key_month": "month",
    "kms_hsm_key_month": "month",
    "kms_requests_10000": "10000 requests",
    "logs_ingest_gb": "GB",
    "logs_vended_gb": "GB",
    "logs_storage_gb_month": "GB-month",
    "network_telemetry_gb": "GB",
    "metric_month": "metric-month",
    "metric_samples_1000000": "1000000 samples",
    "registry_gb_month": "GB-month",
    "image_scan": "image",
    "scheduler_job_month": "month",
    "queue_requests_1000000": "1000000 requests",
    "egress_internet_gb": "GB",
    "egress_region_gb": "GB",
    "egress_zone_gb": "GB",
}
"""Every service that a book may price, and the unit that its price is for."""

_REGION_ANYWHERE = "*"


@dataclass(frozen=True)
class PriceBook:
    """Prices and facts. Lookups answer None where the book knows nothing, never a guess."""

    types: tuple[InstanceType, ...]
    instances: tuple[InstancePrice, ...]
    services: tuple[ServicePrice, ...]
    regions: tuple[Region, ...]

    def type_of(self, cloud: Cloud, name: str) -> InstanceType | None:
        """What an instance type is."""
        return self._types.get((cloud, name))

    def price_of(
        self, cloud: Cloud, region: str, instance_type: str, capacity: Capacity, zone: str = ""
    ) -> InstancePrice | None:
        """What an hour costs: the zone's own price where the book has one, else the region's."""
        known = self._instances
        return known.get((cloud, region, zone, instance_type, capacity)) or known.get(
            (cloud, region, "", instance_type, capacity)
        )

    def tiers_of(self, cloud: Cloud, region: str, service: str) -> tuple[ServicePrice, ...]:
        """The tiers of a service, the first one first: the region's own, else those for every region; or none."""
        known = self._services
        return known.get((cloud, region, service)) or known.get((cloud, _REGION_ANYWHERE, service), ())

    def region_of(self, cloud: Cloud, name: str) -> Region | None:
        """Where a region is."""
        return self._regions.get((cloud, name))

    def offers(self) -> Iterator[tuple[InstanceType, InstancePrice]]:
        """Every price with what it is for."""
        for price in self.instances:
            yield self._types[price.cloud, price.instance_type], price

    @cached_property
    def as_of(self) -> datetime.date:
        """The day of the newest price of an instance, or of a service where there is none.

        Ages are measured from it, so that a book says the same tomorrow.
        """
        rows = self.instances or self.services
        return max(row.as_of for row in rows)

    @cached_property
    def _types(self) -> dict[tuple[str, str], InstanceType]:
        return {(each.cloud, each.name): each for each in self.types}

    @cached_property
    def _regions(self) -> dict[tuple[str, str], Region]:
        return {(each.cloud, each.name): each for each in self.regions}

    @cached_property
    def _instances(self) -> dict[tuple[str, str, str, str, str], InstancePrice]:
        return {instance_key(each): each for each in self.instances}

    @cached_property
    def _services(self) -> dict[tuple[str, str, str], tuple[ServicePrice, ...]]:
        tiers: dict[tuple[str, str, str], list[ServicePrice]] = {}
        for each in sorted(self.services, key=lambda each: each.from_quantity):
            tiers.setdefault((each.cloud, each.region, each.service), []).append(each)
        return {key: tuple(rows) for key, rows in tiers.items()}


def cost_of(tiers: Sequence[ServicePrice], quantity: float) -> float:
    """US dollars for so many units in a month, each tier at its own price. Raises ValueError without any tier."""
    if not tiers:
        raise ValueError("a service without a price costs an unknown amount, not nothing")
    ends = [*(tier.from_quantity for tier in tiers[1:]), quantity]
    return sum(
        max(0.0, min(end, quantity) - tier.from_quantity) * tier.usd_per_unit
        for tier, end in zip(tiers, ends, strict=True)
    )


def load_book(*overlays: Path, shipped: Path = SHIPPED) -> PriceBook:
    """The shipped book with other folders of tables laid over it, the last one on top.

    Raises PriceBookError naming every broken row of every table.
    """
    problems: list[str] = []
    types: dict[Hashable, InstanceType] = {}
    instances: dict[Hashable, InstancePrice] = {}
    services: dict[Hashable, ServicePrice] = {}
    regions: dict[Hashable, Region] = {}
    for folder in (shipped, *overlays):
        for cloud in CLOUDS:
            _add(types, folder / f"types_{cloud}.csv", InstanceType, _type_key, _wrong_type(cloud), problems)
            _add(
                instances, folder / f"instances_{cloud}.csv", InstancePrice, instance_key, _wrong_price(cloud), problems
            )
            _add_services(services, folder / f"services_{cloud}.csv", cloud, problems)
        _add(regions, folder / "regions.csv", Region, _region_key, _wrong_region, problems)
    problems += _contradictions(types, instances, regions)
    if not instances and not services:
        problems.append(f"{shipped}: has no prices at all")
    if problems:
        raise PriceBookError.of(
            [f"The price book has {_count(len(problems), 'error')}:", *(f"  {each}" for each in problems)]
        )
    return PriceBook(
        tuple(types.values()), tuple(instances.values()), tuple(services.values()), tuple(regions.values())
    )


def load_types(cloud: Cloud) -> tuple[InstanceType, ...]:
    """The shipped facts of one cloud's instance types, without reading any price. Raises PriceBookError."""
    problems: list[str] = []
    types: dict[Hashable, InstanceType] = {}
    _add(types, SHIPPED / f"types_{cloud}.csv", InstanceType, _type_key, _wrong_type(cloud), problems)
    if problems:
        raise PriceBookError.of(problems)
    return tuple(types.values())


def instance_key(price: InstancePrice) -> tuple[str, str, str, str, str]:
    """What two prices for the same thing have in common."""
    return (price.cloud, price.region, price.zone, price.instance_type, price.capacity)


def _add(
    known: dict[Hashable, Any],
    path: Path,
    row_class: type[Any],
    key: Callable[[Any], Hashable],
    check: Callable[[Any], str | None],
    problems: list[str],
) -> None:
    """Adds the rows of a table, which may be missing; rows for the same thing within one table are a problem."""
    if not path.exists():
        return
    rows: dict[Hashable, Any] = {}
    for row in read_table(path, row_class, check, problems):
        if key(row) in rows:
            problems.append(f"{path}: has two rows for {' '.join(str(part) for part in key(row) if part)}")  # type: ignore[attr-defined]
        rows[key(row)] = row
    known.update(rows)


def _add_services(known: dict[Hashable, ServicePrice], path: Path, cloud: Cloud, problems: list[str]) -> None:
    rows: dict[Hashable, ServicePrice] = {}
    _add(rows, path, ServicePrice, _service_key, _wrong_service(cloud), problems)
    replaced = {(each.cloud, each.region, each.service) for each in rows.values()}
    # All tiers of a service go together: one of an old book among those of a new one would be a price nobody asks.
    for key in [key for key, each in known.items() if (each.cloud, each.region, each.service) in replaced]:
        del known[key]
    known.update(rows)
    for name, region in sorted({(each.service, each.region) for each in rows.values()}):
        starts = sorted(each.from_quantity for each in rows.values() if (each.service, each.region) == (name, region))
        if starts[0] != 0 or any(low == high for low, high in pairwise(starts)):
            found = ", ".join(f"{start:g}" for start in starts)
            problems.append(
                f"{path}: from_quantity = {found}: the tiers of {name} in {region} must begin at 0 and differ"
            )


def _type_key(row: InstanceType) -> tuple[str, ...]:
    return (row.cloud, row.name)


def _region_key(row: Region) -> tuple[str, ...]:
    return (row.cloud, row.name)


def _service_key(row: ServicePrice) -> tuple[Any, ...]:
    return (row.cloud, row.region, row.service, row.from_quantity)


def _wrong_type(cloud: Cloud) -> Callable[[InstanceType], str | None]:
    def check(row: InstanceType) -> str | None:
        if row.cloud != cloud:
            return f"cloud = {row.cloud!r}: must be {cloud}, as the file is called"
        if row.vcpus < 1:
            return f"vcpus = {row.vcpus}: must be 1 or more"
        if row.memory_gib is not None and row.memory_gib <= 0:
            return f"memory_gib = {row.memory_gib:g}: must be above 0, or empty where nobody tells"
        if bool(row.gpu) != bool(row.gpu_count) or bool(row.gpu) != bool(row.gpu_memory_gib):
            return (
                f"gpu, gpu_count, gpu_memory_gib = {row.gpu!r}, {row.gpu_count}, {row.gpu_memory_gib:g}: must be there "
                "together, or none of them"
            )
        return _negative(gpu_memory_gib=row.gpu_memory_gib, nvme_gb=row.nvme_gb, network_gbps=row.network_gbps)

    return check


def _wrong_price(cloud: Cloud) -> Callable[[InstancePrice], str | None]:
    def check(row: InstancePrice) -> str | None:
        if row.cloud != cloud:
            return f"cloud = {row.cloud!r}: must be {cloud}, as the file is called"
        if row.usd_per_hour <= 0:
            return f"usd_per_hour = {row.usd_per_hour:g}: must be above 0"
        if row.zone and not row.zone.startswith(row.region):
            return f"zone = {row.zone!r}: must be a zone of {row.region}"
        if row.interruption_band and row.capacity != "spot":
            return f"interruption_band = {row.interruption_band!r}: must be empty, since only spot is interrupted"
        return None

    return check


def _wrong_service(cloud: Cloud) -> Callable[[ServicePrice], str | None]:
    def check(row: ServicePrice) -> str | None:
        if row.cloud != cloud:
            return f"cloud = {row.cloud!r}: must be {cloud}, as the file is called"
        if row.service not in SERVICES:
            return f"service = {row.service!r}: must be one of {', '.join(SERVICES)}"
        if row.unit != SERVICES[row.service]:
            return f"unit = {row.unit!r}: must be {SERVICES[row.service]} for {row.service}"
        return _negative(usd_per_unit=row.usd_per_unit, from_quantity=row.from_quantity)

    return check


def _wrong_region(row: Region) -> str | None:
    if not -90 <= row.latitude <= 90 or not -180 <= row.longitude <= 180:
        return f"latitude, longitude = {row.latitude:g}, {row.longitude:g}: must be a place on Earth, in degrees"
    return None


def _negative(**values: float | None) -> str | None:
    found = next(((name, value) for name, value in values.items() if value is not None and value < 0), None)
    return None if found is None else f"{found[0]} = {found[1]:g}: must not be negative"


def _contradictions(
    types: Mapping[Hashable, InstanceType],
    instances: Mapping[Hashable, InstancePrice],
    regions: Mapping[Hashable, Region],
) -> Iterable[str]:
    """What no single row shows: prices of nothing, and of nowhere."""
    for price in instances.values():
        where = f"instances_{price.cloud}.csv: the price of {price.instance_type} in {price.region} ({price.capacity})"
        if (price.cloud, price.instance_type) not in types:
            yield f"{where} is for a type that no types_{price.cloud}.csv has"
        if (price.cloud, price.region) not in regions:
            yield f"{where} is for a region that no regions.csv has"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
