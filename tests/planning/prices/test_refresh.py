"""A refresh lays the clouds' answers over the book, tells what changed, and keeps what it had where a cloud fails."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import PlanningError
from planning.prices.changes import changes
from planning.prices.live import Found, LivePricesError, Question
from planning.prices.model import Cloud, InstancePrice, InstanceType, Region, ServicePrice
from planning.prices.refresh import refresh, regions_to_ask
from planning.prices.refreshed import project_book, refreshed_folder
from planning.prices.tables import read_table
from planning.prices.writing import table_text, write_whole
from tests.planning.prices.shipped import shipped_book

DAY = datetime.date(2027, 1, 5)


def price(usd: float, cloud: Cloud = "aws", region: str = "us-east-1", **other: object) -> InstancePrice:
    right = InstancePrice(
        cloud=cloud,
        region=region,
        zone="",
        instance_type={"aws": "p5.48xlarge", "azure": "Standard_ND96isr_H100_v5", "gcp": "a3-highgpu-8g"}[cloud],
        capacity="on_demand",
        usd_per_hour=usd,
        interruption_band="",
        basis="published",
        source="the cloud itself",
        as_of=DAY,
    )
    return dataclasses.replace(right, **other)  # type: ignore[arg-type]


def answering(*prices: InstancePrice, unknown: tuple[str, ...] = ()) -> Callable[[Question], Found]:
    return lambda _question: Found(prices=list(prices), unknown_types=set(unknown))


def failing(_question: Question) -> Found:
    raise LivePricesError("no credentials: run 'aws configure'")


def test_what_a_cloud_answers_is_the_books_price_from_then_on(tmp_path: Path) -> None:
    (outcome,) = refresh(tmp_path, {"aws": answering(price(60.5), unknown=("p9.huge",))}, [], DAY)
    assert outcome.failure == ""
    assert outcome.unknown_types == ("p9.huge",)
    assert "g5.xlarge" in outcome.unpriced_types
    assert "p5.48xlarge" not in outcome.unpriced_types
    book = project_book(tmp_path)
    found = book.price_of("aws", "us-east-1", "p5.48xlarge", "on_demand")
    assert found == price(60.5)
    assert book.as_of == DAY
    assert len(book.instances) == len(shipped_book().instances)


def test_it_says_what_is_new_dearer_and_cheaper_the_largest_change_first(tmp_path: Path) -> None:
    answer = answering(
        price(55.04),
        price(2.012, instance_type="g5.xlarge"),
        price(60.544, region="us-west-2"),
        price(11, instance_type="p4d.24xlarge"),
        price(30, zone="us-east-1a", capacity="spot"),
    )
    (outcome,) = refresh(tmp_path, {"aws": answer}, [], DAY)
    assert outcome.changes is not None
    assert outcome.changes.same == 1
    assert [each.zone for each in outcome.changes.new] == ["us-east-1a"]
    dearer = [(each.after.instance_type, round(each.share, 3)) for each in outcome.changes.dearer]
    assert dearer == [("g5.xlarge", 1.0), ("p5.48xlarge", 0.1)]
    cheaper = [(each.after.instance_type, round(each.share, 2)) for each in outcome.changes.cheaper]
    assert cheaper == [("p4d.24xlarge", -0.5)]


def test_a_cloud_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    refresh(tmp_path, {"aws": answering(price(50))}, [], DAY)
    before = (refreshed_folder(tmp_path) / "instances_aws.csv").read_bytes()
    failed, done = refresh(tmp_path, {"aws": failing, "azure": answering(price(90, "azure", "eastus"))}, [], DAY)
    assert failed.failure == "no credentials: run 'aws configure'"
    assert failed.changes is None
    assert done.failure == ""
    assert (refreshed_folder(tmp_path) / "instances_aws.csv").read_bytes() == before
    known = project_book(tmp_path).price_of("azure", "eastus", "Standard_ND96isr_H100_v5", "on_demand")
    assert known is not None
    assert known.usd_per_hour == 90


def test_a_cloud_that_names_no_price_fails(tmp_path: Path) -> None:
    (outcome,) = refresh(tmp_path, {"gcp": answering()}, ["us-central1"], DAY)
    assert outcome.failure == "gcp has named no price for a type of the book in us-central1"
    assert project_book(tmp_path) == shipped_book()


def test_another_region_and_another_day_keep_what_was_there(tmp_path: Path) -> None:
    refresh(tmp_path, {"aws": answering(price(50), price(51, zone="us-east-1a", capacity="spot"))}, ["us-east-1"], DAY)
    refresh(tmp_path, {"aws": answering(price(52, region="us-west-2"))}, ["us-west-2"], DAY)
    refresh(tmp_path, {"aws": answering(price(53, region="us-west-2"))}, ["us-west-2"], DAY)
    own = load_own(tmp_path)
    assert {(each.region, each.zone): each.usd_per_hour for each in own} == {
        ("us-east-1", ""): 50,
        ("us-east-1", "us-east-1a"): 51,
        ("us-west-2", ""): 53,
    }


def load_own(project: Path) -> list[InstancePrice]:
    problems: list[str] = []
    rows = read_table(refreshed_folder(project) / "instances_aws.csv", InstancePrice, lambda _row: None, problems)
    assert problems == []
    return rows


def test_each_cloud_is_asked_for_the_regions_it_has() -> None:
    book = shipped_book()
    assert regions_to_ask(book, "aws", []) == ("eu-west-1", "us-east-1", "us-east-2", "us-west-2")
    assert regions_to_ask(book, "gcp", []) == ("europe-west4", "us-central1")
    assert regions_to_ask(book, "aws", ["eu-north-1", "eastus", "eu-north-1"]) == ("eu-north-1",)
    assert regions_to_ask(book, "gcp", ["eastus"]) == ()
    with pytest.raises(PlanningError, match="region = 'mars': is no region of the price book"):
        regions_to_ask(book, "gcp", ["mars"])


def test_a_cloud_without_the_regions_is_not_asked(tmp_path: Path) -> None:
    (outcome,) = refresh(tmp_path, {"aws": failing, "azure": answering(price(90, "azure", "eastus"))}, ["eastus"], DAY)
    assert (outcome.cloud, outcome.failure) == ("azure", "")


def test_two_refreshes_at_a_time_are_refused(tmp_path: Path) -> None:
    refreshed_folder(tmp_path).mkdir(parents=True)
    with (
        FileLock(refreshed_folder(tmp_path) / ".lock"),
        pytest.raises(PlanningError, match="another 'yard prices refresh' is under way"),
    ):
        refresh(tmp_path, {"aws": answering(price(50))}, [], DAY)
    assert not (refreshed_folder(tmp_path) / "instances_aws.csv").exists()


def test_a_broken_table_of_the_project_is_told_before_anyone_is_asked(tmp_path: Path) -> None:
    refresh(tmp_path, {"aws": answering(price(50))}, [], DAY)
    table = refreshed_folder(tmp_path) / "instances_aws.csv"
    table.write_text(table.read_text().replace(",50,", ",fifty,"))
    asked: list[str] = []
    with pytest.raises(PlanningError, match=r"instances_aws\.csv:2: usd_per_hour = 'fifty'"):
        refresh(tmp_path, {"aws": answering(price(50))}, [], DAY, lambda cloud, _text: asked.append(cloud))
    assert asked == []


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    refresh(tmp_path, {"aws": answering(price(50))}, [], DAY)
    # Where the new file would be there is a folder.
    (refreshed_folder(tmp_path) / ".instances_aws.csv.new").mkdir()
    (outcome,) = refresh(tmp_path, {"aws": answering(price(60))}, [], DAY)
    assert "Is a directory" in outcome.failure
    assert [each.usd_per_hour for each in load_own(tmp_path)] == [50]


def test_what_a_stopped_write_has_left_is_no_table(tmp_path: Path) -> None:
    refresh(tmp_path, {"aws": answering(price(50))}, [], DAY)
    (refreshed_folder(tmp_path) / ".instances_aws.csv.new").write_text("cloud,region\nhalf a li")
    assert project_book(tmp_path).as_of == DAY
    write_whole(refreshed_folder(tmp_path) / "instances_aws.csv", table_text([price(70)]))
    assert [each.usd_per_hour for each in load_own(tmp_path)] == [70]
    assert not (refreshed_folder(tmp_path) / ".instances_aws.csv.new").exists()


@pytest.mark.parametrize("kind", [InstanceType, InstancePrice, ServicePrice, Region])
def test_what_is_written_is_read_again(tmp_path: Path, kind: type) -> None:
    book = shipped_book()
    rows = {InstanceType: book.types, InstancePrice: book.instances, ServicePrice: book.services, Region: book.regions}[
        kind
    ]
    write_whole(tmp_path / "table.csv", table_text(rows))
    problems: list[str] = []
    assert tuple(read_table(tmp_path / "table.csv", kind, lambda _row: None, problems)) == rows
    assert problems == []


@given(
    usd=st.floats(min_value=1e-9, max_value=1e9),
    source=st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=' ,";'), min_size=1
    ).filter(lambda text: text.strip() == text),
)
def test_any_price_and_any_source_survive(tmp_path_factory: pytest.TempPathFactory, usd: float, source: str) -> None:
    path = tmp_path_factory.mktemp("table") / "instances_aws.csv"
    row = price(usd, source=source)
    write_whole(path, table_text([row]))
    problems: list[str] = []
    assert read_table(path, InstancePrice, lambda _row: None, problems) == [row]
    assert problems == []


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=20))
def test_every_price_is_new_or_the_same_or_another(prices: list[float]) -> None:
    book = shipped_book()
    known = [each for each in book.instances if each.cloud == "aws"][: len(prices)]
    after = [dataclasses.replace(each, usd_per_hour=usd) for each, usd in zip(known, prices, strict=True)]
    found = changes(book, after)
    assert len(found.new) + len(found.dearer) + len(found.cheaper) + found.same == len(after)
    assert all(each.share > 0 for each in found.dearer)
    assert all(-1 < each.share < 0 for each in found.cheaper)
    assert [abs(each.share) for each in found.dearer] == sorted((each.share for each in found.dearer), reverse=True)
