"""The comment on a pull request: never too long, never cut within a table, and foreign text stays text."""

import re
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lifecycle.changes.fitting import length
from lifecycle.changes.markdown import MARKER, markdown_text
from lifecycle.changes.report import (
    ChangeReport,
    CostChange,
    Operation,
    PropertyChange,
    ResourceChange,
    Revision,
    RuleChange,
    StackChange,
    VerdictChange,
)

MOST = 64_000
EVIL = (
    "| --- |\n| x |",
    "```\n",
    "</details></code>",
    "<script>alert(1)</script>",
    "@everybody",
    "[x](https://example.com)",
    "![x](https://example.com/x.png)",
    "https://example.com www.example.com #1",
    "\\| \\\\",
    "`` ` ``",
    "<!-- ",
    "\u202e\u200b\x00\ud800",
    "# x",
    "> [!CAUTION]",
    "&#124; &lt;",
    "_a_ *b* ~~c~~ $d$",
    "😀" * 60,
)
TEXTS = st.lists(st.sampled_from(EVIL) | st.text(max_size=8), min_size=1, max_size=4).map("".join)
VALUES = st.none() | TEXTS | st.dictionaries(TEXTS, TEXTS, max_size=2)
MONEY = st.none() | st.floats(0, 1e6)


def properties() -> st.SearchStrategy[PropertyChange]:
    kinds = st.sampled_from(["added", "removed", "changed"])
    return st.builds(PropertyChange, path=TEXTS, kind=kinds, before=VALUES, after=VALUES, replaces=st.booleans())


def resources() -> st.SearchStrategy[ResourceChange]:
    return st.builds(
        ResourceChange,
        urn=TEXTS,
        type=TEXTS,
        name=TEXTS,
        operation=st.sampled_from(get_args(Operation)[:-1]),
        stateful=st.booleans(),
        protected=st.booleans(),
        properties=st.lists(properties(), max_size=3).map(tuple),
        usd_per_month_before=MONEY,
        usd_per_month_after=MONEY,
        custom=st.booleans(),
        loss=st.sampled_from(["", "the objects in it"]),
    )


def verdicts() -> st.SearchStrategy[VerdictChange]:
    return st.builds(
        VerdictChange,
        status=st.sampled_from(["new", "fixed", "remaining"]),
        rule=TEXTS,
        title=TEXTS,
        kind=st.sampled_from(["violated", "advisory", "exempt"]),
        severity=st.sampled_from(["high", "", "| x"]),
        urn=TEXTS,
        name=TEXTS,
        text=TEXTS,
    )


COSTS = st.builds(
    CostChange,
    **{field: st.floats(0, 1e6) for field in CostChange.__slots__ if field.endswith(("_month", "_hour"))},
    complete=st.booleans(),
    unpriced=st.lists(TEXTS, max_size=2).map(tuple),
)
STACKS = st.builds(
    StackChange,
    stack=TEXTS,
    base_problem=st.just("") | TEXTS,
    head_problem=st.just("") | TEXTS,
    is_new=st.booleans(),
    is_gone=st.booleans(),
    resources=st.lists(resources(), max_size=4).map(tuple),
    same=st.integers(0, 5),
    cost=st.none() | COSTS,
    verdicts=st.lists(verdicts(), max_size=3).map(tuple),
    graph=st.just(()),
    rules=st.lists(
        st.builds(RuleChange, rule=TEXTS, title=TEXTS, before=st.just("mandatory"), after=TEXTS), max_size=2
    ).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
)
REVISION = Revision(name="origin/main", commit="0" * 40)


def report(stacks: list[StackChange], project: str = "shop") -> ChangeReport:
    return ChangeReport(project=project, base=REVISION, head=REVISION, stacks=tuple(stacks), policies=True)


def parsed(text: str) -> list[Token]:
    """As GitHub reads it, as far as it matters here: CommonMark, HTML, tables, and text struck through."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def held(text: str) -> None:
    """Fails where the text has any structure but the report's own."""
    assert text.startswith(f"{MARKER}\n")
    assert length(text) <= MOST
    tokens = parsed(text)
    inner = [child for token in tokens for child in token.children or ()]
    ours = {"text", "text_special", "softbreak", "code_inline", "html_inline"}
    assert {each.type for each in inner} <= ours | {"strong_open", "strong_close", "em_open", "em_close"}
    allowed = {"<code>", "</code>"}
    assert {each.content for each in inner if each.type == "html_inline"} <= allowed
    blocks = [line for token in tokens if token.type == "html_block" for line in token.content.splitlines()]
    for line in blocks:
        bare = re.sub(r"</?(details|summary|code|pre)>|<!-- trainyard change report -->", "", line)
        assert "<" not in bare, line
    html = "\n".join(blocks)
    assert html.count("<details>") == html.count("</details>")
    assert not [each for each in tokens if each.type in ("fence", "code_block")]
    # A row with more cells than its head would have lost them; one with fewer would have been cut.
    head = 0
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1 if line.startswith("|") else 0
        head = cells if cells and not head else head if cells else 0
        assert cells == head, line
    # Outside of `code`, where a service looks for mentions and references, there are none.
    outside = re.sub(r"<(code|pre)>.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"@\w|#\d|https?://|www\.", outside), outside


@settings(max_examples=30)
@given(st.lists(STACKS, max_size=3), TEXTS)
def test_foreign_text_stays_text(stacks: list[StackChange], project: str) -> None:
    held(markdown_text(report(stacks, project)))


@settings(max_examples=5)
@given(st.lists(STACKS, min_size=1, max_size=2), st.integers(150, 300), st.integers(1, 60))
def test_however_much_changes_the_comment_fits_and_no_table_is_cut(
    stacks: list[StackChange], resources: int, more: int
) -> None:
    huge = [enlarged(each, resources, more) for each in stacks]
    held(markdown_text(report(huge * 2)))


@settings(max_examples=25)
@given(st.lists(STACKS, max_size=2), st.integers(700, 4_000))
def test_it_fits_into_less_too(stacks: list[StackChange], most: int) -> None:
    # The first line and the heading are there whatever fits; the project's name takes what it takes.
    assert length(markdown_text(report(stacks), most)) <= most


def test_what_is_left_out_is_the_least_important_and_said() -> None:
    lost = resource("lost", "delete", stateful=True)
    many = tuple(resource(f"queue-{number}", "update") for number in range(2_000))
    new = verdict("new", "violated")
    old = tuple(verdict("remaining", "exempt") for _ in range(500))
    stack = change(resources=(lost, *many), verdicts=(new, *old))
    text = markdown_text(report([stack]))
    held(text)
    assert "<code>lost</code>" in text
    assert "| new | violated, high |" in text
    assert "| remaining |" not in text
    assert 1_000 > text.count("queue-") > 100
    assert re.search(r"_… and [\d,]+ more, left out for length._", text)


def test_nothing_is_left_out_of_what_fits() -> None:
    text = markdown_text(report([change(resources=(resource("one", "create"),))]))
    assert "left out" not in text


def test_where_nothing_changes_that_is_said() -> None:
    text = markdown_text(report([change()]))
    assert "Nothing changes in <code>dev</code>." in text
    assert "|" not in text


def change(**fields: Any) -> StackChange:
    nothing: dict[str, Any] = {
        "stack": "dev",
        "base_problem": "",
        "head_problem": "",
        "is_new": False,
        "is_gone": False,
        "resources": (),
        "same": 1,
        "cost": None,
        "verdicts": (),
        "graph": (),
    }
    return StackChange(**nothing | fields)


def resource(name: str, operation: Operation, *, stateful: bool = False) -> ResourceChange:
    return ResourceChange(
        urn=name,
        type="aws:sqs/queue:Queue",
        name=name,
        operation=operation,
        stateful=stateful,
        protected=False,
        properties=(PropertyChange(path="a", kind="changed", before=1, after="x" * 200, replaces=False),),
        usd_per_month_before=0.0,
        usd_per_month_after=0.0,
    )


def verdict(status: Any, kind: Any) -> VerdictChange:
    return VerdictChange(
        status=status, rule="kept", title="Kept.", kind=kind, severity="high", urn="", name="", text="It is not."
    )


def enlarged(stack: StackChange, resources: int, more: int) -> StackChange:
    """The stack with very many resources, verdicts and rules, and long problems."""
    from dataclasses import replace

    return replace(
        stack,
        resources=stack.resources * resources,
        verdicts=stack.verdicts * resources,
        rules=stack.rules * more,
        head_problem=stack.head_problem * 500,
        notes=stack.notes * more,
    )
