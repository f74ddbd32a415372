"""What people and machines read of a comparison: the terminal's text, the JSON document, the page, the picture.

`TRAINYARD_WRITE_GOLDEN=1 pytest tests/planning/comparison/test_renderings.py` writes the expected texts anew, for a
person to read in the difference.
"""

import dataclasses
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from cli.compare_table import print_comparison, print_sources
from planning.comparison.features import FeatureTable
from planning.comparison.rendering.bars import Bar, draw_bars
from planning.comparison.rendering.document import as_document
from planning.comparison.rendering.page import as_page
from planning.comparison.rendering.picture import as_png
from planning.comparison.report import Comparison, compare
from planning.comparison.request import Request
from planning.comparison.weights import make_weights
from planning.network.places import Place
from tests.planning.comparison.small_book import BOOK, FEATURE_TABLE

GOLDEN = Path(__file__).parent / "golden"
IRELAND = Place("aws", "eu-west-1")
VOID = {"meta", "br", "hr", "img", "input", "link"}


@pytest.fixture(scope="module", name="comparison")
def comparison_of_small_book() -> Comparison:
    return compare(BOOK, FEATURE_TABLE, Request(gpu="A100", data=IRELAND, data_gb=500), make_weights())


def printed(comparison: Comparison, *, sources: bool) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    print_comparison(comparison, console)
    if sources:
        print_sources(comparison, console)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def is_golden(name: str, text: str) -> None:
    file = GOLDEN / name
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


class Page(HTMLParser):
    """Checks that tags are closed in order, and gathers what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_terminal_shows_a_ranking_what_is_unknown_and_what_was_left_out() -> None:
    compared = compare(BOOK, FEATURE_TABLE, Request(gpu="A100", users=IRELAND), make_weights())
    is_golden("compared.txt", printed(compared, sources=True))


def test_the_terminal_says_that_one_alone_is_not_compared() -> None:
    alone = compare(BOOK, FEATURE_TABLE, Request(gpu="T4", users=IRELAND), make_weights())
    is_golden("alone.txt", printed(alone, sources=False))


def test_the_terminal_says_who_is_not_ranked_and_why() -> None:
    strict = compare(BOOK, FEATURE_TABLE, Request(gpu="A100"), make_weights(), min_coverage=0.9)
    assert "Not ranked, with less than 90 % of the weight known: gcp:europe-west4." in printed(strict, sources=False)
    nobody = compare(BOOK, FEATURE_TABLE, Request(clouds=("gcp",)), make_weights(), min_coverage=0.9)
    assert "Nobody is ranked" in printed(nobody, sources=False)


def test_equal_ones_come_first_together() -> None:
    twins = dataclasses.replace(
        BOOK,
        instances=tuple(
            dataclasses.replace(each, usd_per_hour=24.0)
            if each.capacity == "on_demand" and each.cloud == "aws"
            else each
            for each in BOOK.instances
        ),
    )
    found = compare(twins, FEATURE_TABLE, Request(gpu="A100"), make_weights({"others": 0, "price": 1}))
    assert "aws:eu-west-1 and aws:us-east-1 come first with 1.00 of 1." in printed(found, sources=False)


def test_the_document_holds_every_figure_and_survives_json(comparison: Comparison) -> None:
    document = json.loads(json.dumps(as_document(comparison), allow_nan=False))
    rows = {f"{row['cloud']}:{row['region']}": row for row in document["rows"]}
    assert rows["aws:us-east-1"]["measured"]["price"]["value"] == 3.0
    assert rows["gcp:europe-west4"]["measured"]["egress"]["value"] is None
    assert document["asked"]["data"] == "aws:eu-west-1"
    assert document["features"]["gcp"]["hipaa"] is None
    numbers = [source["number"] for source in document["sources"]]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = {n for row in document["rows"] for found in row["measured"].values() for n in found["sources"]}
    assert cited <= set(numbers)
    for row in document["rows"]:
        for found in row["measured"].values():
            assert (found["value"] is None) == (found["sources"] == [])


def test_the_page_is_whole_and_asks_nothing_of_the_net(comparison: Comparison) -> None:
    text = as_page(comparison)
    page = Page(text)
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", text)
    policy = next(each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_the_page_has_every_source_and_every_number_leads_to_one(comparison: Comparison) -> None:
    page = Page(as_page(comparison))
    for source in comparison.sources:
        assert source.text in page.text
    ids = {each["id"] for _, each in page.tags if "id" in each}
    links = {(each["href"] or "")[1:] for tag, each in page.tags if tag == "a"}
    assert links <= ids
    assert {f"source-{number}" for number in range(1, len(comparison.sources) + 1)} <= links


def test_the_page_has_the_sources_of_features_that_are_too_few_to_compare() -> None:
    few = FeatureTable(FEATURE_TABLE.rows[:2])
    page = Page(as_page(compare(BOOK, few, Request(gpu="A100"), make_weights())))
    for row in few.rows:
        assert row.source in page.text


def test_the_page_suits_dark_rooms_phones_and_keyboards(comparison: Comparison) -> None:
    text = as_page(comparison)
    page = Page(text)
    assert "prefers-color-scheme: dark" in text
    assert any(each.get("name") == "viewport" for _, each in page.tags)
    heads = [each for tag, each in page.tags if tag == "button"]
    assert len(heads) == 4 + len(comparison.criteria)
    assert all(each.get("tabindex") == "0" for _, each in page.tags if each.get("class") == "wide")


def test_what_comes_from_tables_is_escaped() -> None:
    evil = '<script>alert("1")</script>&'
    book = dataclasses.replace(
        BOOK,
        instances=tuple(dataclasses.replace(each, source=evil) for each in BOOK.instances),
        regions=tuple(dataclasses.replace(each, place=evil) for each in BOOK.regions),
    )
    text = as_page(compare(book, FEATURE_TABLE, Request(gpu="A100"), make_weights()))
    page = Page(text)
    assert "<script>alert" not in text
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert evil in page.text
    svg = str(draw_bars([Bar(evil, 0.5, 0.2, 0.9, False)], evil))
    assert "<script" not in svg


def test_the_terminal_takes_no_markup_from_tables() -> None:
    book = dataclasses.replace(BOOK, regions=tuple(dataclasses.replace(each, place="[red]x") for each in BOOK.regions))
    assert "[red]x" in printed(compare(book, FEATURE_TABLE, Request(gpu="A100"), make_weights()), sources=False)


def test_the_picture_is_a_png_and_the_same_each_time(comparison: Comparison) -> None:
    picture = as_png(comparison)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture == as_png(comparison)


def test_bars_show_the_range_where_something_is_unknown() -> None:
    svg = str(
        draw_bars(
            [Bar("a", 0.5, 0.25, 0.75, False), Bar("b", 0.5, 0.5, 0.5, False), Bar("c", None, None, None, True)], "t"
        )
    )
    assert svg.count('class="range"') == 1
    assert "a: 0.50, from 0.25 to 0.75 by what is unknown" in svg
    assert "no score" in svg
