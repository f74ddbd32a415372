"""Small price books, made in memory, for fleets whose answer can be worked out."""

import datetime
from collections.abc import Iterable
from typing import Any

from planning.prices.book import SERVICES, PriceBook
from planning.prices.model import InstancePrice, InstanceType, Region, ServicePrice

DAY = datetime.date(2026, 11, 1)
SOURCE = "made up for a test"
REGIONS = (
    ("aws", "us-east-1", "US", 38.95, -77.45),
    ("aws", "eu-west-1", "IE", 53.34, -6.27),
    ("gcp", "us-central1", "US", 41.26, -95.86),
)


def kind(name: str, gpu: str = "A100", gpus: int = 1, **facts: Any) -> InstanceType:
    """An instance type; what is not said is ordinary."""
    ordinary: dict[str, Any] = {
        "cloud": "aws",
        "name": name,
        "architecture": "x86_64",
        "vcpus": 8 * gpus,
        "memory_gib": 64.0,
        "gpu": gpu,
        "gpu_count": gpus,
        "gpu_memory_gib": {"A100": 40.0, "L4": 24.0, "H100": 80.0, "T4": 16.0}.get(gpu, 24.0),
        "gpu_interconnect": "nvlink" if gpus > 1 else "",
        "nvme_gb": None,
        "network_gbps": None,
        "rdma_interfaces": 0,
        "network_cards": 1,
        "capacity_blocks": False,
        "hibernation": False,
        "source": SOURCE,
        "as_of": DAY,
    }
    return InstanceType(**(ordinary | facts))


def price(of: InstanceType, usd: float, region: str = "us-east-1", **facts: Any) -> InstancePrice:
    """What an hour of it costs; on demand unless something else is said."""
    ordinary: dict[str, Any] = {
        "cloud": of.cloud,
        "region": region,
        "zone": "",
        "instance_type": of.name,
        "capacity": "on_demand",
        "usd_per_hour": usd,
        "interruption_band": "",
        "basis": "published",
        "source": SOURCE,
        "as_of": DAY,
    }
    return InstancePrice(**(ordinary | facts))


def service(name: str, usd: float, cloud: str = "aws", region: str = "*") -> ServicePrice:
    """One price for all quantities."""
    return ServicePrice(
        cloud=cloud,  # type: ignore[arg-type]
        region=region,
        service=name,
        unit=SERVICES[name],
        from_quantity=0,
        usd_per_unit=usd,
        basis="published",
        source=SOURCE,
        as_of=DAY,
    )


SERVICES_AROUND = (
    service("kubernetes_control_plane_hour", 0.10),
    service("object_storage_gib_month", 0.023),
    service("block_storage_gib_month", 0.08),
    service("egress_region_gb", 0.02),
    service("egress_internet_gb", 0.09),
    service("kubernetes_control_plane_hour", 0.30, "gcp"),
    service("object_storage_gib_month", 0.020, "gcp"),
    service("block_storage_gib_month", 0.10, "gcp"),
    service("egress_region_gb", 0.03, "gcp"),
    service("egress_internet_gb", 0.12, "gcp"),
)


def book(prices: Iterable[tuple[InstanceType, InstancePrice]], services: Iterable[ServicePrice] = ()) -> PriceBook:
    """A book of these offers, in a world of three regions."""
    offers = list(prices)
    return PriceBook(
        types=tuple({(each.cloud, each.name): each for each, _ in offers}.values()),
        instances=tuple(each for _, each in offers),
        services=tuple(services) or SERVICES_AROUND,
        regions=tuple(
            Region(
                cloud=cloud,  # type: ignore[arg-type]
                name=name,
                place=name,
                country=country,
                continent="Europe" if country == "IE" else "North America",
                latitude=latitude,
                longitude=longitude,
                source=SOURCE,
                as_of=DAY,
            )
            for cloud, name, country, latitude, longitude in REGIONS
        ),
    )
