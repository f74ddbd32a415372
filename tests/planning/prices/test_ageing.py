"""Dated prices are those much older than the book's newest; the clock has no say in it."""

import datetime
from pathlib import Path

import pytest

from planning.errors import PlanningError
from planning.prices.ageing import usable
from planning.prices.book import load_book
from tests.planning.prices.rows import INSTANCE, SERVICE, write_book


def test_a_price_is_dated_after_so_many_days_and_not_on_the_last(tmp_path: Path) -> None:
    newest = {**INSTANCE, "capacity": "on_demand", "interruption_band": "", "as_of": "2026-07-20"}
    edge = {**INSTANCE, "zone": "us-east-1a", "as_of": "2025-07-20"}
    beyond = {**INSTANCE, "zone": "us-east-1b", "as_of": "2025-07-19"}
    book = load_book(shipped=write_book(tmp_path, instances_aws=[newest, edge, beyond]))
    kept, dated = usable(book)
    assert [price.zone for price in dated] == ["us-east-1b"]
    assert {price.zone for price in kept.instances} == {"", "us-east-1a"}
    assert usable(book, 366) == (book, ())
    assert len(usable(book, 0)[1]) == 2
    assert kept.price_of("aws", "us-east-1", "p5.48xlarge", "spot", "us-east-1b") is None


def test_services_stay_and_make_no_price_of_an_instance_old(tmp_path: Path) -> None:
    old = {**SERVICE, "as_of": "2020-01-01"}
    book = load_book(shipped=write_book(tmp_path, services_aws=[old]))
    kept, dated = usable(book, 1)
    assert dated == ()
    assert kept.services == book.services
    newer_service = load_book(shipped=write_book(tmp_path, services_aws=[{**SERVICE, "as_of": "2030-01-01"}]))
    kept, dated = usable(newer_service)
    assert (len(kept.instances), len(dated)) == (1, 0)
    assert kept.as_of < datetime.date(2030, 1, 1)


@pytest.mark.parametrize("age", [-1, 1.5, float("nan"), True, "365"])
def test_an_age_that_is_none_is_refused(tmp_path: Path, age: object) -> None:
    book = load_book(shipped=write_book(tmp_path))
    with pytest.raises(PlanningError, match=r"max_age_days = .*: must be a whole number, 0 or more"):
        usable(book, age)  # type: ignore[arg-type]


def test_an_age_beyond_all_time_leaves_nothing_out(tmp_path: Path) -> None:
    book = load_book(shipped=write_book(tmp_path))
    assert usable(book, 10**9) == (book, ())
