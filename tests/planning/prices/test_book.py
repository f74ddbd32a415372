"""The book answers for prices, tiers and regions, one book laid over another, and never guesses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.prices.book import cost_of, load_book, load_types
from planning.prices.model import ServicePrice
from planning.prices.refreshed import project_book
from planning.prices.tables import PriceBookError
from tests.planning.prices.rows import INSTANCE, REGION, SERVICE, TYPE, write_book
from tests.planning.prices.shipped import shipped_book


def test_a_zone_has_its_own_price_or_the_regions(tmp_path: Path) -> None:
    zonal = {**INSTANCE, "zone": "us-east-1a", "usd_per_hour": "20"}
    book = load_book(shipped=write_book(tmp_path, instances_aws=[INSTANCE, zonal]))

    def price(zone: str) -> float | None:
        found = book.price_of("aws", "us-east-1", "p5.48xlarge", "spot", zone)
        return found and found.usd_per_hour

    assert (price("us-east-1a"), price("us-east-1b"), price("")) == (20, 26.4192, 26.4192)


def test_what_the_book_does_not_know_is_none_and_nothing(tmp_path: Path) -> None:
    book = load_book(shipped=write_book(tmp_path))
    assert book.price_of("aws", "us-east-1", "p5.48xlarge", "on_demand") is None
    assert book.price_of("aws", "us-west-2", "p5.48xlarge", "spot") is None
    assert book.type_of("gcp", "p5.48xlarge") is None
    assert book.region_of("aws", "us-west-2") is None
    assert book.tiers_of("aws", "us-west-2", "egress_internet_gb") == ()
    with pytest.raises(ValueError, match="unknown amount, not nothing"):
        cost_of((), 5)


def test_a_service_of_every_region_is_below_the_regions_own(tmp_path: Path) -> None:
    anywhere = {**SERVICE, "region": "*", "usd_per_unit": "0.12"}
    book = load_book(shipped=write_book(tmp_path, services_aws=[anywhere, SERVICE]))
    assert [tier.usd_per_unit for tier in book.tiers_of("aws", "us-east-1", "egress_internet_gb")] == [0.09]
    assert [tier.usd_per_unit for tier in book.tiers_of("aws", "us-west-2", "egress_internet_gb")] == [0.12]


def test_a_book_over_another_replaces_what_is_the_same_thing(tmp_path: Path) -> None:
    below = write_book(tmp_path / "below")
    above = tmp_path / "above"
    above.mkdir()
    newer = {**INSTANCE, "usd_per_hour": "30", "as_of": "2026-11-01"}
    write_book(above, instances_aws=[newer, {**newer, "capacity": "on_demand", "interruption_band": ""}])
    book = load_book(above, shipped=below)
    assert {price.capacity: price.usd_per_hour for price in book.instances} == {"spot": 30, "on_demand": 30}
    assert str(book.as_of) == "2026-11-01"


def test_the_tiers_of_a_service_are_replaced_together(tmp_path: Path) -> None:
    tiers = [{**SERVICE, "from_quantity": start} for start in ("0", "100", "10240")]
    below = write_book(tmp_path / "below", services_aws=tiers)
    above = write_book(tmp_path / "above", services_aws=[{**SERVICE, "usd_per_unit": "0.05"}])
    book = load_book(above, shipped=below)
    assert [tier.from_quantity for tier in book.tiers_of("aws", "us-east-1", "egress_internet_gb")] == [0]


@pytest.mark.parametrize("starts", [("5",), ("0", "0"), ("10", "20")])
def test_tiers_that_do_not_begin_at_nothing_or_are_twice_there_are_refused(
    tmp_path: Path, starts: tuple[str, ...]
) -> None:
    write_book(tmp_path, services_aws=[{**SERVICE, "from_quantity": start} for start in starts])
    with pytest.raises(PriceBookError, match=r"must begin at 0 and differ|has two rows for"):
        load_book(shipped=tmp_path)


def test_an_empty_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceBookError, match="has no prices at all"):
        load_book(shipped=tmp_path)


def test_a_price_of_nothing_or_nowhere_is_refused(tmp_path: Path) -> None:
    write_book(tmp_path, types_aws=[{**TYPE, "name": "p4d.24xlarge"}], regions=[{**REGION, "name": "us-west-2"}])
    with pytest.raises(PriceBookError) as refused:
        load_book(shipped=tmp_path)
    assert "is for a type that no types_aws.csv has" in str(refused.value)
    assert "is for a region that no regions.csv has" in str(refused.value)


def test_a_project_has_the_shipped_book_until_it_has_prices_of_its_own(tmp_path: Path) -> None:
    assert project_book(tmp_path) == shipped_book()
    own = {**INSTANCE, "usd_per_hour": "12.5", "as_of": "2026-11-25"}
    (tmp_path / ".trainyard" / "prices").mkdir(parents=True)
    write_book(tmp_path / "rows", instances_aws=[own])
    (tmp_path / "rows" / "instances_aws.csv").rename(tmp_path / ".trainyard" / "prices" / "instances_aws.csv")
    price = project_book(tmp_path).price_of("aws", "us-east-1", "p5.48xlarge", "spot")
    assert price is not None
    assert price.usd_per_hour == 12.5
    assert len(project_book(tmp_path).instances) == len(shipped_book().instances)


def test_the_facts_of_one_cloud_are_those_of_the_book() -> None:
    assert load_types("aws") == tuple(each for each in shipped_book().types if each.cloud == "aws")


def tier(start: float, price: float) -> ServicePrice:
    return ServicePrice(
        cloud="aws",
        region="*",
        service="egress_internet_gb",
        unit="GB",
        from_quantity=start,
        usd_per_unit=price,
        basis="published",
        source="a price list",
        as_of=shipped_book().as_of,
    )


EGRESS = (tier(0, 0), tier(100, 0.09), tier(10_240, 0.085), tier(51_200, 0.07))


@pytest.mark.parametrize(
    ("quantity", "usd"),
    [
        (0, 0),
        (100, 0),
        (101, 0.09),
        (10_240, 10_140 * 0.09),
        (20_000, 10_140 * 0.09 + 9_760 * 0.085),
        (100_000, 10_140 * 0.09 + 40_960 * 0.085 + 48_800 * 0.07),
    ],
)
def test_each_tier_costs_its_own_price(quantity: float, usd: float) -> None:
    assert cost_of(EGRESS, quantity) == pytest.approx(usd)


@given(
    widths=st.lists(st.floats(1, 1e5), max_size=5),
    prices=st.lists(st.floats(0, 10), min_size=6, max_size=6),
    quantities=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
)
def test_tiers_never_cost_less_for_more_and_nothing_for_nothing(
    widths: list[float], prices: list[float], quantities: tuple[float, float]
) -> None:
    starts = [0.0]
    for width in widths:
        starts.append(starts[-1] + width)
    tiers = [tier(start, price) for start, price in zip(starts, prices, strict=False)]
    less, more = sorted(quantities)
    assert cost_of(tiers, 0) == 0
    assert cost_of(tiers, less) <= cost_of(tiers, more) + 1e-6
    used = [price for start, price in zip(starts, prices, strict=False) if start <= more]
    assert min(used) * more - 1e-6 * (1 + more) <= cost_of(tiers, more) <= max(used) * more + 1e-6 * (1 + more)


@given(price=st.floats(0, 10), cuts=st.lists(st.floats(1, 1e5), unique=True, max_size=4), quantity=st.floats(0, 1e6))
def test_tiers_of_one_price_are_no_tiers(price: float, cuts: list[float], quantity: float) -> None:
    tiers = [tier(start, price) for start in (0.0, *sorted(cuts))]
    assert cost_of(tiers, quantity) == pytest.approx(price * quantity)


def test_a_zone_of_another_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceBookError, match="zone = 'eu-west-1a': must be a zone of us-east-1"):
        load_book(shipped=write_book(tmp_path, instances_aws=[{**INSTANCE, "zone": "eu-west-1a"}]))
