"""The page on a change in a real browser: searched, opened and walked through by keyboard, with nothing asked of a net.

`TRAINYARD_WRITE_GOLDEN=1 pytest tests/lifecycle/changes/test_html_browser.py` takes the documentation's pictures anew.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lifecycle.changes.html import html_text
from tests.lifecycle import browser as browsers
from tests.lifecycle.browser import Visit
from tests.lifecycle.changes.sample_report import large_report, sample_report
from tests.lifecycle.npm_package import NotToBeHadError

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make setup)")

pytestmark = pytest.mark.xdist_group("browser")

PICTURES = Path(__file__).parents[3] / "docs" / "images"
LARGEST_PICTURE = 250_000
DESKTOP, PHONE = (1280, 860), (360, 780)


@pytest.fixture(scope="module", name="browser")
def running_browser() -> Iterator[Any]:
    try:
        chromium = browsers.find_chromium()
    except NotToBeHadError as missing:
        pytest.skip(f"no browser: {missing}")
    with browsers.started(chromium) as browser:
        yield browser


@pytest.fixture(scope="module", name="sample")
def file_of_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_text(sample_report()), encoding="utf-8")
    return path


@pytest.fixture(name="visit")
def visits(browser: Any, sample: Path) -> Iterator[Callable[..., Visit]]:
    """Open the page; in the end there must have been no complaint and no request but for the page's own file."""
    opened: list[Visit] = []

    def visit(path: Path = sample, *, size: tuple[int, int] = DESKTOP, **given: Any) -> Visit:
        opened.append(Visit(browser, path, size, **given))
        return opened[-1]

    yield visit
    for each in opened:
        each.context.close()
    assert [(each.complaints, len(each.requests), each.requests[0][:8]) for each in opened] == [
        ([], 1, "file:///") for _ in opened
    ]


def test_search_filters_resources_properties_and_verdicts(visit: Callable[..., Visit]) -> None:
    page = visit().page
    everything = page.locator(".resource:visible").count()

    page.keyboard.press("/")
    page.keyboard.type("maxSize")

    assert page.locator("#found").text_content() == "Found: 2 resources, 2 properties, 0 verdicts."
    assert page.locator("#found").get_attribute("aria-live") == "polite"
    assert page.locator(".resource:visible").count() == 2
    assert page.locator(".property:visible").all_inner_texts() == [
        "scalingConfig.maxSize\nbefore\n4\nafter\n8",
        "scalingConfig.maxSize\nbefore\n4\nafter\n8",
    ]
    assert not page.locator("#s2").is_visible()

    page.keyboard.press("Escape")

    assert page.locator("#query").input_value() == ""
    assert page.locator("#found").text_content() == ""
    assert page.locator(".resource:visible").count() == everything
    assert page.locator(".property:visible").count() == 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("keys-models", "Found: 2 resources, 1 verdict."),
        ("object-lock", "Found: 0 resources, 3 verdicts."),
        ("KMS window", "Found: 1 resource, 1 property, 1 verdict."),
        ("replaced key", "Found: 1 resource, 0 verdicts."),
        ("no such thing", "Nothing found."),
        ("<script>", "Nothing found."),
    ],
)
def test_what_is_found_is_told(visit: Callable[..., Visit], words: str, found: str) -> None:
    page = visit().page
    page.fill("#query", words)

    assert page.locator("#found").text_content() == found


def test_a_slash_in_the_search_is_a_slash(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.keyboard.press("/")
    page.keyboard.type("core/v1")

    assert page.locator("#query").input_value() == "core/v1"
    assert page.locator(".resource:visible").count() == 1


def test_resources_open_by_keyboard_and_by_link(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.focus("#s1-r1 > summary")
    page.keyboard.press("Enter")
    assert page.locator("#s1-r1 .property:visible").count() == 3

    page.click(".dangers a:has-text('storage-scratch')")
    page.wait_for_selector("#s1-r2[open]")
    assert page.evaluate("document.activeElement.parentElement.id") == "s1-r2"

    page.click("[data-close=s1]")
    assert page.locator(".resource[open]").count() == 0


def test_long_and_equal_lines_unfold(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.fill("#query", "envoy.yaml")
    folded = page.locator(".property:visible details.equal").first
    assert folded.locator("pre").is_hidden()

    folded.locator("summary").click()

    assert "listener-0" in folded.locator("pre").inner_text()


def test_a_link_to_what_a_search_hides_ends_the_search(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.fill("#query", "object-lock")
    page.click(".dangers a:has-text('keys-models')")

    page.wait_for_selector("#s1-r1[open]")
    assert page.locator("#query").input_value() == ""


def test_the_graph_is_walked_through_by_keyboard(visit: Callable[..., Visit]) -> None:
    page = visit().page
    graph = page.locator("#s1 figure.graph").first
    chosen = graph.locator(".chosen")

    assert graph.locator(".box[tabindex='0']").count() == 1
    page.focus("#s1 figure.graph >> nth=0 >> .box[tabindex='0']")
    assert "keys-models aws:kms:Key replaced" in chosen.inner_text().replace("\n", " ")
    page.keyboard.press("ArrowRight")
    assert chosen.inner_text().startswith("keys-models aws:kms:Alias updated")
    page.keyboard.press("ArrowDown")
    assert chosen.inner_text().startswith("storage-models")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert chosen.inner_text().startswith("keys-models aws:kms:Key replaced")
    assert graph.locator(".box[tabindex='0']").count() == 1
    assert graph.locator(".lines path.near").count() > 1

    page.keyboard.press("Enter")
    page.wait_for_selector("#s1-r1[open]")
    assert page.evaluate("document.activeElement.parentElement.id") == "s1-r1"


def test_the_graph_by_mouse_and_its_whole_on_demand(visit: Callable[..., Visit]) -> None:
    page = visit().page
    near, whole = page.locator("#s1 figure.graph").first, page.locator("#s1 .whole figure.graph")
    assert not whole.is_visible()

    near.locator(".box", has_text="network-c").click()
    assert near.locator(".chosen").inner_text().startswith("network-c aws:ec2:NatGateway created")
    near.locator(".chosen button", has_text="network-private-c").click()
    assert near.locator(".box.chosen-box .name").text_content() == "network-private-c"
    near.locator(".chosen button", has_text=re.compile("^network$")).last.click()

    assert whole.is_visible()
    assert whole.locator(".box.chosen-box .type").text_content() == "aws:ec2:Vpc"
    page.click("#s1-r13 > summary")
    page.click("#s1-r13 [data-show]")
    assert near.locator(".box.chosen-box").get_attribute("href") == "#s1-r13"


def test_the_graph_is_zoomed_and_moved(visit: Callable[..., Visit]) -> None:
    page = visit().page
    graph = page.locator("#s1 figure.graph").first

    def width() -> float:
        return float(graph.locator("svg").get_attribute("width"))

    def left() -> float:
        return float(graph.locator(".view").evaluate("(view) => view.scrollLeft"))

    begin = width()
    graph.locator("[data-action=in]").click()
    assert width() > begin
    graph.locator(".view").focus()
    page.keyboard.press("-")
    assert width() == pytest.approx(begin)
    graph.locator("[data-action=in]").click()
    before = left()
    graph.locator("[data-action=right]").click()
    assert left() > before
    area = graph.locator(".view").bounding_box()
    page.mouse.move(area["x"] + 400, area["y"] + area["height"] - 6)
    page.mouse.down()
    at = left()
    page.mouse.move(area["x"] + 450, area["y"] + area["height"] - 6)
    page.mouse.up()
    assert left() == pytest.approx(at - 50, abs=2)
    page.keyboard.press("0")
    assert width() <= area["width"]


def test_colours_follow_the_system_and_the_switch(visit: Callable[..., Visit]) -> None:
    def ground(page: Any) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = visit(color_scheme="light").page, visit(color_scheme="dark").page
    assert (ground(light), ground(dark)) == ("rgb(255, 255, 255)", "rgb(20, 23, 28)")

    light.focus("#colours-auto")
    light.keyboard.press("ArrowRight")
    light.keyboard.press("ArrowRight")
    dark.check("#colours-light", force=True)

    assert (ground(light), ground(dark)) == ("rgb(20, 23, 28)", "rgb(255, 255, 255)")


def test_a_phone_never_scrolls_sideways_and_has_room_for_fingers(visit: Callable[..., Visit], tmp_path: Path) -> None:
    large = tmp_path / "large.html"
    large.write_text(html_text(large_report(parts=6)), encoding="utf-8")
    for page in (visit(size=PHONE).page, visit(large, size=PHONE).page):
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        small = page.evaluate(
            "[...document.querySelectorAll('button, summary, input[type=search], .colours label')]"
            ".map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])"
            ".filter(([_, height]) => height && height < 40)"
        )
        assert small == []


def test_before_and_after_are_side_by_side_or_one_below_the_other(visit: Callable[..., Visit]) -> None:
    for size, beside in ((DESKTOP, True), (PHONE, False)):
        page = visit(size=size).page
        page.click("#s1-r1 > summary")
        before, after = (page.locator(f"#s1-r1 .{side}").first.bounding_box() for side in ("before", "after"))

        assert (abs(before["y"] - after["y"]) < 1) == beside
        assert (before["x"] < after["x"]) == beside


def test_without_its_script_the_page_can_be_read(visit: Callable[..., Visit]) -> None:
    opened = visit(java_script_enabled=False)
    opened.page.click("#s1-r1 > summary")

    assert opened.shown("#s1-r1 .property") == 3
    assert opened.shown("#s1 figure.graph svg") == 1
    assert opened.shown(".needs-script") == 0


def test_on_paper_everything_is_open_and_light(visit: Callable[..., Visit]) -> None:
    opened = visit(color_scheme="dark")
    opened.page.emulate_media(media="print")
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert opened.shown(".property") == opened.page.locator(".property").count()
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.shown(".search") == 0
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator(".resource[open]").count() == 0


def test_what_somebody_smuggles_into_the_page_runs_nothing_and_asks_nobody(
    browser: Any, sample: Path, tmp_path: Path
) -> None:
    smuggled = (
        '<script>document.title = "taken"</script><img src="https://example.invalid/x.png">'
        '<p style="position:fixed">x</p><a id="link" href="javascript:document.title=1">x</a>'
    )
    path = tmp_path / "smuggled.html"
    path.write_text(sample.read_text(encoding="utf-8").replace("</footer>", f"{smuggled}</footer>"), encoding="utf-8")

    visit = Visit(browser, path, DESKTOP)
    visit.page.click("#link")
    visit.page.wait_for_timeout(50)

    assert visit.page.title() == "trainyard: origin/main to gpu-pools-g6e"
    assert visit.failed == {"https://example.invalid/x.png": "csp"}
    refused = {line for line in visit.complaints if line.startswith("error: refused: ")}
    assert {f"error: refused: {what}" for what in ("script-src-elem", "img-src", "style-src-attr")} <= refused
    visit.context.close()


def test_axe_finds_nothing_that_keeps_anybody_out(visit: Callable[..., Visit]) -> None:
    try:
        script = browsers.axe_script()
    except NotToBeHadError as missing:
        pytest.skip(f"no axe-core: {missing}")
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        opened = visit(size=size, color_scheme=scheme)
        opened.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        opened.evaluate(script)
        found = opened.evaluate("axe.run({ resultTypes: ['violations'] })")

        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
        assert len(found["passes"]) > 20


def test_the_pictures_in_the_documentation(visit: Callable[..., Visit], request: pytest.FixtureRequest) -> None:
    names = ("light", "dark", "phone")
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        PICTURES.mkdir(exist_ok=True)
        light, dark, phone = visit().page, visit(color_scheme="dark").page, visit(size=(390, 844)).page
        light.set_viewport_size({"width": 1280, "height": 1100})
        light.click("#s1-r1 > summary")
        light.mouse.move(0, 0)
        light.screenshot(path=PICTURES / "change-report-light.png")
        dark.set_viewport_size({"width": 1280, "height": 900})
        dark.focus("#s1 figure.graph >> nth=0 >> .box[tabindex='0']")
        dark.evaluate("document.querySelector('#s1-graph').scrollIntoView()")
        dark.screenshot(path=PICTURES / "change-report-dark.png")
        phone.click("#s1-r6 > summary")
        phone.mouse.move(0, 0)
        phone.evaluate("document.querySelector('#s1-r4').scrollIntoView()")
        phone.screenshot(path=PICTURES / "change-report-phone.png")
    for name in names:
        content = (PICTURES / f"change-report-{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < LARGEST_PICTURE
