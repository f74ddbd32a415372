"""What people see of a book: the cheapest GPU first, filtered as they ask, and how old it all is."""

import datetime
from pathlib import Path

import pytest

from planning.errors import PlanningError
from planning.prices.book import load_book
from planning.prices.listing import Wanted, age_of, numbered_sources, offers, offers_of
from tests.planning.prices.rows import INSTANCE, TYPE, write_book
from tests.planning.prices.shipped import shipped_book

BOOK = shipped_book()


def test_the_cheapest_gpu_is_first_and_what_has_none_is_last() -> None:
    found = offers(BOOK, Wanted())
    per_gpu = [offer.usd_per_gpu_hour for offer in found]
    priced = [value for value in per_gpu if value is not None]
    assert priced == sorted(priced)
    assert per_gpu[: len(priced)] == priced
    without = [offer.price.usd_per_hour for offer in found[len(priced) :]]
    assert without == sorted(without)
    assert len(found) == len(BOOK.instances)


def test_filters_are_all_kept() -> None:
    wanted = Wanted(clouds=["gcp"], regions=["us-central1"], gpus=["h100"], capacities=["spot", "flex_start"])
    found = offers(BOOK, wanted)
    assert {(offer.price.cloud, offer.price.region, offer.type.gpu) for offer in found} == {
        ("gcp", "us-central1", "H100")
    }
    assert {offer.price.capacity for offer in found} == {"spot", "flex_start"}
    assert offers(BOOK, Wanted(clouds=["tencent"])) == []


def test_what_the_book_does_not_have_is_told_at_once() -> None:
    with pytest.raises(PlanningError) as refused:
        offers(BOOK, Wanted(gpus=["H100", "TPU"], regions=["moon", "us-east-1", "mars"]))
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["gpu = 'TPU'", "region = 'moon'", "region = 'mars'"]
    assert "A100" in lines[0]


def test_a_type_has_its_facts_and_its_prices(tmp_path: Path) -> None:
    book = load_book(shipped=write_book(tmp_path, types_aws=[TYPE, {**TYPE, "name": "p4d.24xlarge"}]))
    ((known, found),) = offers_of(book, "p5.48xlarge")
    assert (known.gpu, [offer.usd_per_gpu_hour for offer in found]) == ("H100", [26.4192 / 8])
    ((_, none),) = offers_of(book, "p4d.24xlarge")
    assert none == []
    assert offers_of(book, "p3.huge") == []


def test_the_age_is_that_of_the_newest_price_of_an_instance(tmp_path: Path) -> None:
    old = {**INSTANCE, "zone": "us-east-1a", "as_of": "2025-01-01"}
    book = load_book(shipped=write_book(tmp_path, instances_aws=[INSTANCE, old]))
    age = age_of(book, datetime.date(2026, 7, 30))
    assert (age.days, age.as_of, age.dated) == (10, datetime.date(2026, 7, 20), {"aws": 1})
    assert age.without_price == ("gcp", "azure", "alibaba", "tencent", "huawei")


def test_the_shipped_book_says_which_clouds_it_has_no_price_of() -> None:
    assert age_of(BOOK, BOOK.as_of).without_price == ("tencent", "huawei")


def test_a_source_has_one_number() -> None:
    numbers = numbered_sources(BOOK.instances)
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert len(numbers) < len(BOOK.instances) / 2
