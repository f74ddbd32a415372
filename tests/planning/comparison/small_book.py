"""A book of three clouds and a table of features, small enough to check by hand: the shipped ones change."""

import datetime

from planning.comparison.criteria import Measurement
from planning.comparison.features import FEATURES, Feature, FeatureTable
from planning.prices.book import SERVICES, PriceBook
from planning.prices.model import (
    Basis,
    Capacity,
    Cloud,
    InstancePrice,
    InstanceType,
    InterruptionBand,
    Region,
    ServicePrice,
)

DAY = datetime.date(2026, 8, 1)
OLD = datetime.date(2024, 10, 9)


def kind(
    cloud: Cloud, name: str, gpu: str, count: int, memory: float, network_gbps: float | None = None
) -> InstanceType:
    return InstanceType(
        cloud=cloud,
        name=name,
        architecture="x86_64",
        vcpus=8,
        memory_gib=64,
        gpu=gpu,
        gpu_count=count,
        gpu_memory_gib=memory,
        gpu_interconnect="",
        nvme_gb=None,
        network_gbps=network_gbps,
        rdma_interfaces=0,
        network_cards=1,
        capacity_blocks=False,
        hibernation=False,
        source=f"types of {cloud}",
        as_of=DAY,
    )


def price(
    cloud: Cloud,
    region: str,
    name: str,
    capacity: Capacity,
    usd: float,
    *,
    band: InterruptionBand = "",
    basis: Basis = "published",
    as_of: datetime.date = DAY,
) -> InstancePrice:
    return InstancePrice(
        cloud=cloud,
        region=region,
        zone="",
        instance_type=name,
        capacity=capacity,
        usd_per_hour=usd,
        interruption_band=band,
        basis=basis,
        source=f"prices of {cloud}",
        as_of=as_of,
    )


def service(cloud: Cloud, region: str, name: str, usd: float, from_quantity: float = 0) -> ServicePrice:
    return ServicePrice(
        cloud=cloud,
        region=region,
        service=name,
        unit=SERVICES[name],
        from_quantity=from_quantity,
        usd_per_unit=usd,
        basis="published",
        source=f"services of {cloud}",
        as_of=DAY,
    )


def region(cloud: Cloud, name: str, place: str, country: str, continent: str, at: tuple[float, float]) -> Region:
    return Region(
        cloud=cloud,
        name=name,
        place=place,
        country=country,
        continent=continent,
        latitude=at[0],
        longitude=at[1],
        source="regions",
        as_of=DAY,
    )


TYPES = (
    kind("aws", "p4d", "A100", 8, 40, 400),
    kind("aws", "g4dn", "T4", 1, 16, 25),
    kind("aws", "c5", "", 0, 0),
    kind("gcp", "a2", "A100", 1, 40),
    kind("gcp", "a2-ultra", "A100-80GB", 1, 80, 100),
    kind("alibaba", "gn7", "A100", 8, 80),
)
PRICES = (
    price("aws", "us-east-1", "p4d", "on_demand", 24.0),
    price("aws", "us-east-1", "p4d", "spot", 8.0, band="5-10%", basis="derived"),
    price("aws", "us-east-1", "g4dn", "on_demand", 0.5),
    price("aws", "us-east-1", "c5", "on_demand", 0.1),
    price("aws", "eu-west-1", "p4d", "on_demand", 28.0),
    price("aws", "eu-west-1", "p4d", "spot", 12.0, band="<5%"),
    price("gcp", "europe-west4", "a2", "on_demand", 3.2),
    price("gcp", "europe-west4", "a2-ultra", "on_demand", 5.0),
    price("gcp", "europe-west4", "a2", "spot", 1.6),
    price("alibaba", "eu-central-1", "gn7", "on_demand", 20.0, basis="assumed", as_of=OLD),
)
SERVICE_PRICES = (
    service("aws", "*", "object_storage_gib_month", 0.023),
    service("aws", "*", "egress_internet_gb", 0.0),
    service("aws", "*", "egress_internet_gb", 0.09, from_quantity=100),
    service("aws", "*", "egress_region_gb", 0.02),
    service("gcp", "europe-west4", "object_storage_gib_month", 0.02),
)
REGIONS = (
    region("aws", "us-east-1", "Virginia", "US", "North America", (38.95, -77.45)),
    region("aws", "eu-west-1", "Ireland", "IE", "Europe", (53.34, -6.27)),
    region("aws", "sa-east-1", "Sao Paulo", "BR", "South America", (-23.55, -46.63)),
    region("gcp", "europe-west4", "Eemshaven", "NL", "Europe", (53.44, 6.84)),
    region("alibaba", "eu-central-1", "Frankfurt", "DE", "Europe", (50.11, 8.68)),
)
BOOK = PriceBook(TYPES, PRICES, SERVICE_PRICES, REGIONS)

FEATURE_TABLE = FeatureTable(
    tuple(
        Feature(
            cloud=cloud,
            feature=name,
            offered="no" if (cloud, name) == ("aws", "confidential_gpu") else "yes",
            source=f"{name} of {cloud}",
            as_of=DAY,
        )
        for cloud, left_out in (("aws", ()), ("gcp", ("hipaa", "c5", "soc_2")))
        for name in FEATURES
        if name not in left_out
    )
)


def value(number: float | None, known: float = 1.0) -> Measurement:
    """A measurement that is nothing but its value."""
    return Measurement.unknown("nobody tells") if number is None else Measurement(
        value=number, amount=f"{number:g}", detail="", known=known
    )  # fmt: skip
