"""The shipped book holds together: plausible prices, monotone in size, each with a source; ages by its own date."""

import datetime
import re
from collections import defaultdict

from planning.prices.ageing import usable
from planning.prices.book import SERVICES, SHIPPED
from planning.prices.model import InstancePrice, InstanceType
from tests.planning.prices.shipped import shipped_book

BOOK = shipped_book()

# Of one family, in one region: the price of the larger type that is below the one of the smaller.
CHEAPER_THOUGH_LARGER = {
    # Spot follows demand, which differs between sizes; read so in the source.
    ("us-east-1", "spot", "g6e.16xlarge"),
    ("us-west-2", "spot", "g6e.4xlarge"),
    ("us-west-2", "spot", "g6e.8xlarge"),
}

# Memory of each GPU in GiB: the models that come with several, and what a hypervisor takes for itself.
GPU_MEMORY = {
    "A10": {24},
    "A100": {40, 80},
    "A10G": {22.3516},
    "B200": {179.062, 180},
    "B300": {268.594},
    "H100": {80, 94},
    "H200": {141},
    "L4": {22.3516, 24},
    "L40S": {44.7031},
    "P100": {16},
    "RTX PRO 4500": {32},
    "RTX PRO 6000": {96},
    "Radeon Pro V520": {8},
    "T4": {16},
    "T4g": {16},
    "V100": {16, 32},
}


def family(each: InstanceType) -> str:
    """What types that differ in their size only have in common."""
    if each.cloud == "aws":
        return each.name.partition(".")[0]
    if each.cloud == "gcp":
        return each.name.rpartition("-")[0]
    if each.cloud == "azure":
        return re.sub(r"(?<=_[A-Z])([A-Z]*)\d+", r"\1", each.name, count=1)
    return each.name.split(".")[1].partition("-")[0]


def size(each: InstanceType) -> tuple[float, float, float]:
    return each.gpu_count, each.vcpus, each.memory_gib or 0


def test_it_has_what_it_says_it_has() -> None:
    assert {each.cloud for each in BOOK.types} == {"aws", "gcp", "azure", "alibaba"}
    assert {price.capacity for price in BOOK.instances} == {"on_demand", "spot", "reserved", "flex_start"}
    assert {price.capacity for price in BOOK.instances if price.cloud == "gcp"} == {"on_demand", "spot", "flex_start"}
    assert len(BOOK.instances) > 500
    assert len({each.name for each in BOOK.types if each.gpu}) > 100


def test_every_row_says_where_it_is_from() -> None:
    rows = [*BOOK.types, *BOOK.instances, *BOOK.services, *BOOK.regions]
    assert not [row for row in rows if len(row.source) < 10]
    # Facts and services may be of a later day than the prices, but not of one that nobody can have read.
    latest = BOOK.as_of + datetime.timedelta(days=365)
    assert not [row for row in rows if not datetime.date(2024, 1, 1) <= row.as_of <= latest]


def test_what_is_assumed_says_so() -> None:
    words = ("assum", "undated", "predates", "currency")
    unsaid = [
        price for price in BOOK.instances if price.basis == "assumed" and not any(w in price.source for w in words)
    ]
    assert unsaid == []
    derived = [price for price in BOOK.instances if price.basis == "derived"]
    assert [price for price in derived if " x " not in price.source] == []


def test_it_is_only_the_dated_rows_that_are_old() -> None:
    kept, dated = usable(BOOK)
    assert {(price.cloud, price.capacity) for price in dated} == {("alibaba", "on_demand"), ("azure", "spot")}
    oldest = min(price.as_of for price in kept.instances)
    assert (BOOK.as_of - oldest).days <= 365
    assert {price.cloud for price in kept.instances} == {"aws", "gcp", "azure"}


def test_whoever_waits_or_is_interrupted_pays_less() -> None:
    ratios = {
        (price.cloud, price.region, price.instance_type, price.capacity): price.usd_per_hour / demand.usd_per_hour
        for price in BOOK.instances
        if price.capacity != "on_demand"
        and (demand := BOOK.price_of(price.cloud, price.region, price.instance_type, "on_demand"))
    }
    assert len(ratios) > 150
    assert {key: ratio for key, ratio in ratios.items() if not 0.05 < ratio < 1} == {}


def test_more_of_a_family_never_costs_less() -> None:
    offers: dict[tuple[str, ...], list[tuple[InstanceType, InstancePrice]]] = defaultdict(list)
    for each, price in BOOK.offers():
        offers[family(each), price.cloud, price.region, price.zone, price.capacity].append((each, price))
    found = {
        (larger.region, larger.capacity, larger.instance_type)
        for same in offers.values()
        for first, smaller in same
        for second, larger in same
        if first != second
        and all(low <= high for low, high in zip(size(first), size(second), strict=True))
        and larger.usd_per_hour < smaller.usd_per_hour
    }
    assert found == CHEAPER_THOUGH_LARGER


def test_families_are_told_apart() -> None:
    families = defaultdict(set)
    for each in BOOK.types:
        families[each.cloud, family(each)].add(each.gpu)
    assert {key for key, models in families.items() if len(models) > 1} == set()
    assert ("azure", "Standard_NCas_T4_v3") in families


def test_a_model_has_the_memory_that_it_has() -> None:
    found = defaultdict(set)
    for each in BOOK.types:
        if each.gpu:
            found[each.gpu].add(each.gpu_memory_gib)
    assert found == GPU_MEMORY


def test_a_gpu_costs_about_the_same_wherever_it_is() -> None:
    prices = defaultdict(list)
    for each, price in usable(BOOK)[0].offers():
        if each.gpu_count and price.capacity == "on_demand":
            prices[each.gpu].append(price.usd_per_hour / each.gpu_count)
    # The processors and the memory around one GPU differ by more than ten times (g4dn.xlarge and g4dn.16xlarge).
    assert {gpu: (min(all_), max(all_)) for gpu, all_ in prices.items() if max(all_) > 10 * min(all_)} == {}


def test_several_gpus_say_how_they_reach_each_other() -> None:
    unsaid = {each.name for each in BOOK.types if each.gpu_count > 1 and not each.gpu_interconnect}
    # P100, V100 of Azure and Alibaba, H100 NVL and Radeon: no source says it.
    assert {BOOK.type_of(each.cloud, each.name).gpu for each in BOOK.types if each.name in unsaid} == {  # type: ignore[union-attr]
        "H100",
        "P100",
        "Radeon Pro V520",
        "V100",
    }
    assert {each.name for each in BOOK.types if each.gpu_count < 2 and each.gpu_interconnect} == set()


def test_reserved_is_what_aws_sells_as_capacity_blocks() -> None:
    reserved = [(each, price) for each, price in BOOK.offers() if price.capacity == "reserved"]
    assert {each.name for each, _ in reserved if not each.capacity_blocks} == set()
    assert len(reserved) > 10


def test_google_sells_small_a3_machines_in_two_ways_only() -> None:
    small = {"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"}
    ways = {price.capacity for price in BOOK.instances if price.instance_type in small}
    assert ways == {"spot", "flex_start"}


def test_services_have_tiers_from_nothing_on() -> None:
    services = {(each.cloud, each.region, each.service) for each in BOOK.services}
    for cloud, region, service in services:
        tiers = BOOK.tiers_of(cloud, region, service)
        assert tiers[0].from_quantity == 0
        assert {tier.unit for tier in tiers} == {SERVICES[service]}
        paid = [tier.usd_per_unit for tier in tiers if tier.usd_per_unit]
        assert paid == sorted(paid, reverse=True), (cloud, region, service)


def test_the_three_large_clouds_have_what_a_plan_needs_around_its_machines() -> None:
    needed = {
        "kubernetes_control_plane_hour",
        "block_storage_gib_month",
        "object_storage_gib_month",
        "egress_internet_gb",
        "egress_region_gb",
    }
    for cloud, region in (("gcp", "us-central1"), ("azure", "eastus"), ("aws", "us-east-1"), ("aws", "eu-west-1")):
        missing = {service for service in needed if not BOOK.tiers_of(cloud, region, service)}  # type: ignore[arg-type]
        assert missing == set(), (cloud, region)


def test_every_region_is_somewhere_else() -> None:
    places = {(each.latitude, each.longitude) for each in BOOK.regions if each.cloud == "aws"}
    assert len(places) == len([each for each in BOOK.regions if each.cloud == "aws"]) > 25
    assert {each.continent for each in BOOK.regions} == {
        "North America",
        "South America",
        "Europe",
        "Asia Pacific",
        "Middle East",
        "Africa",
    }
    north_of_60 = {each.name for each in BOOK.regions if each.latitude > 60}
    assert north_of_60 <= {"europe-north1", "swedencentral"}
    assert {each.name for each in BOOK.regions if each.continent == "Europe" and not -11 < each.longitude < 30} == set()
    american = [each for each in BOOK.regions if each.country == "US"]
    assert [each.name for each in american if not -125 < each.longitude < -70] == []


def test_no_table_lies_there_unread() -> None:
    read = {f"{kind}_{cloud}.csv" for kind in ("types", "instances", "services") for cloud in ("aws", "gcp", "azure")}
    read |= {"types_alibaba.csv", "instances_alibaba.csv", "regions.csv"}
    assert {path.name for path in SHIPPED.iterdir() if path.suffix == ".csv"} == read
