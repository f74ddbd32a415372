"""The page on a change as text: what it says, that foreign names stay names, and that nothing in it needs a network."""

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lifecycle.changes.html as html_module
from lifecycle.changes.html import html_text
from lifecycle.changes.html_words import visible
from lifecycle.changes.report import ChangeReport, CostChange
from tests.lifecycle.changes.sample_report import change, large_report, sample_report, stack_change

PAGE = Path(html_module.__file__).parent / "page"
VOID = {"meta", "br", "wbr", "hr", "img", "input", "link", "path", "rect"}
ATTACKS = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "]]></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "\u202etxt.exe\u200b\x00\x1b[31m\ud800",
    "</style><style>*{display:none}</style>",
    "a" * 4000,
    "",
)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.of_tag: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.of_tag.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        for tag in set(self.open):
            self.of_tag[tag][-1] += data

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]

    def all_of(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.tags for key, value in attributes.items() if key == name]


@pytest.fixture(scope="module", name="page")
def page_of_sample() -> Page:
    return Page(html_text(sample_report()))


def with_names(report: ChangeReport, name: str) -> ChangeReport:
    """Put a text into every place whose content a change's author chooses."""

    def renamed(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(renamed(each) for each in value)
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return value
        given: dict[str, Any] = {}
        for field in dataclasses.fields(value):
            content = getattr(value, field.name)
            chosen = field.name in (
                "name",
                "path",
                "text",
                "title",
                "rule",
                "type",
                "stack",
                "project",
                "severity",
                "loss",
            )
            given[field.name] = name if chosen and content else renamed(content)
        return dataclasses.replace(value, **given)

    return renamed(report)  # type: ignore[no-any-return]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert html_text(sample_report()) == html_text(sample_report())


def test_a_stack_of_hundreds_of_resources_stays_small() -> None:
    assert len(large_report().stacks[0].graph) == 321
    assert len(html_text(large_report()).encode()) < 700_000


def test_the_page_says_what_changes(page: Page) -> None:
    text = " ".join(" ".join(page.texts).split())

    assert "2 of 3 stacks change: 2 created, 10 updated, 1 replaced, 1 deleted; 2 new policy verdicts." in text
    assert "Nothing changes in local (24 resources)." in text
    assert "2 resources lose what they hold" in text
    assert "because customerMasterKeySpec changes; lost with it: a key, and with it all that it encrypts." in text
    assert "is deleted; lost with it: the objects in it. Nothing protects it." in text
    assert "1 rule is enforced less than before" in text
    assert "$2,841.17 → to $3,456.55 +$615.38" in text
    assert "no price is known of aws:budgets/budget:Budget" in text
    assert "deletionWindowInDays is 7, and the policy asks for at least 30." in text


def test_every_resource_and_verdict_is_there_to_be_found(page: Page) -> None:
    report = sample_report()
    classes = page.all_of("class")

    assert classes.count("verdict") == sum(len(stack.verdicts) for stack in report.stacks)
    assert sum(name.startswith("resource ") for name in classes) == sum(len(stack.resources) for stack in report.stacks)
    assert sum(name.startswith("property ") for name in classes) == sum(
        len(one.properties) for stack in report.stacks for one in stack.resources
    )


def test_problems_are_told_as_they_are() -> None:
    stack = stack_change("prod", base_problem="ValueError: <no> zones\n  in network", head_problem="other")
    report = dataclasses.replace(sample_report(), stacks=(stack,))
    text = "".join(Page(html_text(report)).texts)

    assert "The base could not be previewed." in text
    assert "ValueError: <no> zones\n  in network" in text
    assert "The head could not be previewed." in text


def test_a_report_in_which_nothing_changes() -> None:
    report = dataclasses.replace(sample_report(), stacks=(stack_change("a", same=3), stack_change("b")), policies=False)
    text = "".join(Page(html_text(report)).texts)

    assert "Nothing changes in 2 stacks." in text
    assert "Nothing changes in a (3 resources), b (0 resources)." in text


def test_unknown_prices_are_no_zeros() -> None:
    prod = sample_report().stacks[0]
    one = dataclasses.replace(
        prod.resources[-1], operation="update", usd_per_month_before=12.0, usd_per_month_after=None
    )
    stack = stack_change("prod", resources=(one,), cost=None)
    page = Page(html_text(dataclasses.replace(sample_report(), stacks=(stack,))))

    assert "unknown" in page.of_tag["table"][0]
    assert "$" not in "".join(page.of_tag["table"] + page.of_tag["details"])


def test_without_a_policy_pack_no_verdict_is_claimed() -> None:
    text = "".join(Page(html_text(large_report(parts=2))).texts)

    assert "not judged" in text
    assert "0\xa0new" not in text


def test_identifiers_are_unique_and_every_link_leads_somewhere(page: Page) -> None:
    identifiers = page.all_of("id")

    assert len(identifiers) == len(set(identifiers))
    targets = page.all_of("href") + [
        f"#{each}" for name in ("for", "data-show", "data-open") for each in page.all_of(name)
    ]
    assert len(targets) > 30
    assert {target for target in targets if target.removeprefix("#") not in identifiers} == set()
    assert set(" ".join(page.all_of("aria-labelledby") + page.all_of("aria-describedby")).split()) <= set(identifiers)


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else(page: Page) -> None:
    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (policy,) = [one["content"] or "" for tag, one in page.tags if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    script, style = page.of_tag["script"][-1], page.of_tag["style"][0]

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == digest(script)
    assert rules["style-src"] == digest(style)
    assert rules["base-uri"] == rules["form-action"] == rules["trusted-types"] == "'none'"
    names = {key for _, attributes in page.tags for key in attributes}
    assert not {"src", "style", "srcset", "action", "background"} & names
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"https?:|url\(|@import|\beval\b|innerHTML|localStorage|fetch\(", script + style)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_foreign_text_stays_text(attack: str) -> None:
    harmless = Page(html_text(with_names(sample_report(), "x" * len(attack))))
    hostile = Page(html_text(with_names(sample_report(), attack)))

    assert not hostile.open
    assert without_breaks(hostile) == without_breaks(harmless)
    assert visible(attack) in "".join(hostile.texts)
    text = html_text(with_names(sample_report(), attack))
    assert visible(text) == text


def without_breaks(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [each for each in page.shape if each[0] != "wbr"]


@settings(max_examples=25)
@given(st.text(alphabet=st.sampled_from("<>&'\"/!-=script{}%#\\ \n\u202e\x00"), min_size=1, max_size=30))
def test_any_name_stays_a_name(name: str) -> None:
    report = with_names(dataclasses.replace(sample_report(), stacks=(sample_report().stacks[1],)), name)
    page = Page(html_text(report))

    assert not page.open
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in Page(html_text(sample_report())).tags}
    assert sum(tag == "script" for tag, _ in page.tags) == 2
    for data in page.of_tag["script"][:-1]:
        assert json.loads(data)[0][0] == visible(name)
        assert not set("<>&") & set(data)


@given(st.text(max_size=40))
@settings(max_examples=25)
def test_values_are_escaped_too(value: str) -> None:
    stack = sample_report().stacks[1]
    one = dataclasses.replace(stack.resources[0], properties=(change("p", None, f"({value})", kind="added"),))
    report = dataclasses.replace(sample_report(), stacks=(dataclasses.replace(stack, resources=(one,)),))

    assert visible(f"({value})") in "".join(Page(html_text(report)).texts)


def test_amounts_that_cannot_be_told_apart_have_no_arrow() -> None:
    cost = CostChange(
        before_usd_per_month=10.001,
        after_usd_per_month=10.002,
        before_idle_usd_per_hour=0,
        after_idle_usd_per_hour=0,
        before_full_usd_per_hour=0,
        after_full_usd_per_hour=0,
        complete=True,
        unpriced=(),
    )
    report = dataclasses.replace(sample_report(), stacks=(stack_change("prod", cost=cost, is_new=True),))
    text = "".join(Page(html_text(report)).of_tag["table"])

    assert "→" not in text
    assert "$10.00" in text


def colours(scheme: int) -> dict[str, tuple[int, ...]]:
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", (PAGE / "page.css").read_text())
    return {name: tuple(bytes.fromhex(pair[scheme][1:])) for name, *pair in found}


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Return the ratio of two colours' luminances, as in the Web Content Accessibility Guidelines 2.2."""

    def luminance(colour: tuple[int, ...]) -> float:
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (v / 255 for v in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_text_can_be_read(scheme: int) -> None:
    colour = colours(scheme)
    on_paper = ("ink", "soft", "link", "create", "update", "replace", "delete", "warn")
    pairs = [(text, ground) for text in on_paper for ground in ("paper", "tint", "raised")]
    pairs += [(name, f"{name}-tint") for name in ("create", "update", "replace", "delete")]
    pairs += [(text, f"{name}-tint") for text in ("ink", "soft", "link") for name in ("create", "delete")]
    pairs += [("replace", "delete-tint"), ("ink", "found"), ("paper", "create"), ("paper", "delete")]

    assert {pair: ratio for pair in pairs if (ratio := contrast(colour[pair[0]], colour[pair[1]])) < 4.5} == {}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_edges_and_the_focus_can_be_seen(scheme: int) -> None:
    colour = colours(scheme)
    pairs = [(line, ground) for line in ("edge", "focus") for ground in ("paper", "tint", "raised")]

    assert {pair: ratio for pair in pairs if (ratio := contrast(colour[pair[0]], colour[pair[1]])) < 3} == {}
