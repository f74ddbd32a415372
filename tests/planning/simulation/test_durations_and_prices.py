"""Times as people write them, and the two prices that a simulation takes from the book."""

import dataclasses

import pytest

from planning.errors import PlanningError
from planning.prices.book import PriceBook, load_book
from planning.simulation.durations import hours_of
from planning.simulation.prices import prices_in_words, prices_of


@pytest.mark.parametrize(
    ("text", "hours"), [("0.1h", 0.1), ("6m", 0.1), ("6 min", 0.1), ("360s", 0.1), ("2d", 48.0), ("3", 3.0), ("0", 0.0)]
)
def test_reads_times_with_and_without_units(text: str, hours: float) -> None:
    assert hours_of("--changeover", text) == pytest.approx(hours)


@pytest.mark.parametrize("text", ["", "h", "-1h", "1 fortnight", "nan", "inf", "1e3", "1h30m"])
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(PlanningError, match=r"--changeover = .*: must be a time such as 0\.1h"):
        hours_of("--changeover", text)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def test_takes_both_prices_from_the_book(book: PriceBook) -> None:
    spot = book.price_of("aws", "eu-west-1", "g5.xlarge", "spot")
    on_demand = book.price_of("aws", "eu-west-1", "g5.xlarge", "on_demand")
    assert spot is not None
    assert on_demand is not None

    assert prices_of(book, "aws:eu-west-1:g5.xlarge") == (spot, on_demand)
    assert str(spot.as_of) in prices_in_words(spot, on_demand)


def test_takes_the_cheapest_zone_where_spot_is_priced_by_zone(book: PriceBook) -> None:
    spot = book.price_of("aws", "eu-west-1", "g5.xlarge", "spot")
    assert spot is not None
    zones = [
        dataclasses.replace(spot, zone=f"eu-west-1{zone}", usd_per_hour=usd) for zone, usd in (("a", 2.0), ("b", 1.0))
    ]
    others = [each for each in book.instances if each.capacity != "spot"]
    by_zone = dataclasses.replace(book, instances=(*others, *zones))

    assert prices_of(by_zone, "aws:eu-west-1:g5.xlarge")[0].usd_per_hour == 1.0


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("g5.xlarge", "must be CLOUD:REGION:TYPE"),
        ("aws::g5.xlarge", "must be CLOUD:REGION:TYPE"),
        ("ibm:eu:x", "type's cloud = 'ibm': must be one of aws"),
        ("aws:eu-west-1:g99.xlarge", "the price book has no g99.xlarge of aws"),
        ("aws:nowhere-1:g5.xlarge", "has no spot and no on_demand price of g5.xlarge in nowhere-1"),
    ],
)
def test_says_what_the_book_lacks(book: PriceBook, where: str, message: str) -> None:
    with pytest.raises(PlanningError, match=message):
        prices_of(book, where)
