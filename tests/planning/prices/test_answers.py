"""What the clouds answer becomes rows of the book: the plain Linux hour in US dollars, nothing that looks like it."""

import datetime
import json

import pytest

from planning.prices import answers_aws, answers_azure, answers_gcp
from planning.prices.answers_gcp import Rate, hourly_rate, machine_prices
from planning.prices.live import LivePricesError
from planning.prices.model import InstancePrice
from planning.prices.numbers import plain_price
from tests.planning.prices.price_servers import recorded
from tests.planning.prices.shipped import shipped_book

BOOK = shipped_book()
DAY = datetime.date(2026, 11, 25)
KNOWN = {cloud: [each.name for each in BOOK.types if each.cloud == cloud] for cloud in ("aws", "azure")}
PRODUCTS = [*recorded("aws_products_1")["PriceList"], *recorded("aws_products_2")["PriceList"]]
ITEMS = [*recorded("azure_prices_1")["Items"], *recorded("azure_prices_2")["Items"]]


def by_type(prices: list[InstancePrice]) -> dict[tuple[str, str], float]:
    return {(price.instance_type, price.capacity): price.usd_per_hour for price in prices}


def test_of_the_price_list_only_plain_linux_on_demand_is_taken() -> None:
    found = answers_aws.on_demand(PRODUCTS, KNOWN["aws"], "us-east-1", DAY)
    assert by_type(found.prices) == {
        ("p5.48xlarge", "on_demand"): 60.544,
        ("g5.xlarge", "on_demand"): 1.006,
        ("g6.xlarge", "on_demand"): 0.7,
    }
    assert found.unknown_types == {"x2gd.large"}
    assert {(price.region, price.zone, price.basis, price.as_of) for price in found.prices} == {
        ("us-east-1", "", "published", DAY)
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"product": 5}', "null", '{"product": {"attributes": {}}, "terms"'])
def test_what_is_no_product_is_refused(text: str) -> None:
    with pytest.raises(LivePricesError, match="what is no product"):
        answers_aws.on_demand([text], KNOWN["aws"], "us-east-1", DAY)


def spot_entry(zone: str, price: str, hour: int = 12, product: str = "Linux/UNIX") -> dict[str, object]:
    return {
        "AvailabilityZone": zone,
        "InstanceType": "p5.48xlarge",
        "ProductDescription": product,
        "SpotPrice": price,
        "Timestamp": datetime.datetime(2026, 11, 25, hour, tzinfo=datetime.UTC),
    }


def test_of_spot_prices_each_zone_has_its_newest_and_the_region_the_lowest() -> None:
    band = BOOK.price_of("aws", "us-east-1", "p5.48xlarge", "spot")
    assert band is not None
    history = [
        spot_entry("us-east-1a", "22.5", hour=11),
        spot_entry("us-east-1a", "21.25", hour=13),
        spot_entry("us-east-1a", "23.75", hour=10),
        spot_entry("us-east-1b", "19.5"),
        spot_entry("us-east-1b", "40", product="Windows"),
        spot_entry("us-east-1c", "0"),
        spot_entry("us-east-1d", "nan"),
        spot_entry("", "1"),
    ]
    prices = answers_aws.spot(history, {"p5.48xlarge": band}, "us-east-1", DAY)
    assert [(price.zone, price.usd_per_hour, price.basis) for price in prices] == [
        ("", 19.5, "derived"),
        ("us-east-1a", 21.25, "published"),
        ("us-east-1b", 19.5, "published"),
    ]
    assert {price.interruption_band for price in prices} == {band.interruption_band}
    assert prices[0].source == (
        "Amazon EC2, DescribeSpotPriceHistory; interruption band as on 2026-07-20; the lowest of 2 zones, us-east-1b"
    )


def test_of_azures_prices_only_linux_in_dollars_from_today_on_is_taken() -> None:
    prices = answers_azure.hourly_prices(ITEMS, KNOWN["azure"], "eastus", DAY)
    assert by_type(prices) == {
        ("Standard_NC4as_T4_v3", "on_demand"): 0.526,
        ("Standard_NC4as_T4_v3", "spot"): 0.14,
        ("Standard_ND96isr_H100_v5", "on_demand"): 98.32,
        ("Standard_ND96isr_H100_v5", "spot"): 20,
    }
    later = answers_azure.hourly_prices(ITEMS, KNOWN["azure"], "eastus", datetime.date(2099, 1, 1))
    assert by_type(later)["Standard_NC4as_T4_v3", "on_demand"] == 9.9


def test_azure_is_asked_for_a_few_types_at_a_time() -> None:
    asked = list(answers_azure.filters(KNOWN["azure"], "eastus", most=10))
    assert len(asked) == -(-len(KNOWN["azure"]) // 10)
    assert all(sum(f"'{name}'" in text for text in asked) == 1 for name in KNOWN["azure"])
    assert all(len(text) < 1500 and "armRegionName eq 'eastus'" in text for text in asked)


def rates() -> list[Rate]:
    found = []
    for sku in [*recorded("gcp_skus_1")["skus"], *recorded("gcp_skus_2")["skus"]]:
        expression = sku["pricingInfo"][0]["pricingExpression"]
        money = expression["tieredRates"][0]["unitPrice"]
        price = hourly_rate(int(money["units"]), money["nanos"], expression["usageUnit"])
        if price and money["currencyCode"] == "USD" and sku["category"]["usageType"] != "Commit1Yr":
            found.append(Rate(description=sku["description"], regions=tuple(sku["serviceRegions"]), usd_per_hour=price))
    return found


def test_a_google_machine_is_the_sum_of_its_parts_and_that_is_what_googles_table_says() -> None:
    prices = machine_prices(rates(), [each for each in BOOK.types if each.cloud == "gcp"], "us-central1", DAY)
    found = by_type(prices)
    for capacity in ("on_demand", "spot"):
        shipped = BOOK.price_of("gcp", "us-central1", "a2-highgpu-8g", capacity)  # type: ignore[arg-type]
        assert shipped is not None
        assert found["a2-highgpu-8g", capacity] == pytest.approx(shipped.usd_per_hour, rel=1e-3)
    # 12 x 0.01739 + 85 x 0.00233 + 1.61365
    assert found["a2-highgpu-1g", "flex_start"] == pytest.approx(2.02038)
    assert {price.basis for price in prices} == {"derived"}


def test_local_disks_that_come_with_a_machine_are_a_part_of_its_price() -> None:
    found = by_type(machine_prices(rates(), [each for each in BOOK.types if each.cloud == "gcp"], "us-central1", DAY))
    shipped = BOOK.price_of("gcp", "us-central1", "a2-ultragpu-1g", "on_demand")
    assert shipped is not None
    assert found["a2-ultragpu-1g", "on_demand"] == pytest.approx(shipped.usd_per_hour, rel=1e-3)


def test_a_google_machine_without_every_part_has_no_price() -> None:
    types = [each for each in BOOK.types if each.cloud == "gcp"]
    here = {name for name, _ in by_type(machine_prices(rates(), types, "us-central1", DAY))}
    # Two prices for A3's vCPUs, G2's in another currency, N2's for nothing; A2 Ultra has no spot and no flex-start.
    assert not [name for name in here if name.startswith(("a3-", "g2-", "n2-"))]
    assert {name for name in here if name.startswith("e2-standard-")} == {f"e2-standard-{n}" for n in (2, 4, 8, 16, 32)}
    assert ("a2-ultragpu-1g", "spot") not in by_type(machine_prices(rates(), types, "us-central1", DAY))
    elsewhere = by_type(machine_prices(rates(), types, "us-east1", DAY))
    assert ("a3-highgpu-8g", "on_demand") in elsewhere
    assert ("a3-highgpu-1g", "on_demand") not in elsewhere
    assert machine_prices(rates(), types, "europe-west4", DAY) == []
    assert machine_prices([], types, "us-central1", DAY) == []


def test_a_machine_without_gpu_is_not_sold_as_flex_start() -> None:
    types = [each for each in BOOK.types if each.name.startswith("e2-")]
    assert {price.capacity for price in machine_prices(rates(), types, "us-central1", DAY)} == {"on_demand"}


@pytest.mark.parametrize(
    ("unit", "price"), [("h", 1.5), ("GiBy.h", 1.5), ("GiBy.mo", 1.5 / 730), ("GiBy", None), ("", None), ("mo", None)]
)
def test_only_hours_and_months_are_prices_of_machines(unit: str, price: float | None) -> None:
    assert answers_gcp.hourly_rate(1, 500_000_000, unit) == price


@pytest.mark.parametrize("value", [None, "", "free", "0", 0, -1, "-0.1", "nan", "inf", True, [], json])
def test_what_is_no_price_is_none(value: object) -> None:
    assert plain_price(value) is None


def test_what_is_a_price_is_one() -> None:
    assert (plain_price("0.0000100000"), plain_price(3), plain_price(2.5)) == (0.00001, 3, 2.5)
