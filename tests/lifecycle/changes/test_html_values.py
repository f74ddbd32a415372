"""Values side by side: nothing of them is lost, what differs is marked, and what is long is folded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.changes import html_words as words
from lifecycle.changes.html_difference import compare
from lifecycle.changes.html_values import Property, shown
from lifecycle.changes.report import SECRET, UNKNOWN
from tests.lifecycle.changes.sample_report import change

texts = st.lists(
    st.sampled_from(["", "a", "b", "  a: 1", "  a: 2", "list[0].name", "list[1].name", "}", "ü ß"]), max_size=24
)


def texts_of(side: str, property_: Property) -> str:
    cells = [row.before if side == "before" else row.after for row in property_.rows]
    return "\n".join("".join(piece.text for piece in cell.pieces) for cell in cells if cell)


@given(texts, texts)
def test_hunks_hold_all_lines_of_both_texts(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before), "\n".join(after)
    hunks = compare(old, new)

    assert "\n".join(hunk.text_before for hunk in hunks if hunk.before) == old
    assert "\n".join(hunk.text_after for hunk in hunks if hunk.after) == new
    assert any(hunk.kind == "changed" for hunk in hunks) == (old != new)
    for hunk in hunks:
        if hunk.kind != "changed":
            assert hunk.text_before == hunk.text_after


def test_whole_words_that_differ_are_marked() -> None:
    (hunk,) = compare("image: envoy:v1.30.1 pinned", "image: envoy:v1.31.1 pinned")

    assert [(piece.text, piece.differs) for piece in hunk.after] == [
        ("image: envoy:v1.", False),
        ("31", True),
        (".1 pinned", False),
    ]


def test_lines_with_little_in_common_are_not_marked() -> None:
    (hunk,) = compare("SYMMETRIC_DEFAULT", "RSA_4096")

    assert [(piece.text, piece.differs) for piece in hunk.after] == [("RSA_4096", False)]


def test_what_is_far_from_a_difference_is_folded() -> None:
    lines = [f"line {number}" for number in range(40)]
    hunks = compare("\n".join(lines), "\n".join([*lines[:20], "other", *lines[21:]]))

    assert [(hunk.kind, hunk.text_before.count("\n") + 1) for hunk in hunks] == [
        ("folded", 17),
        ("equal", 3),
        ("changed", 1),
        ("equal", 3),
        ("folded", 16),
    ]


def test_ten_thousand_lines_that_all_differ_are_one_difference() -> None:
    (hunk,) = compare("\n".join("{" for _ in range(10_000)), "\n".join("}" for _ in range(10_000)))

    assert hunk.kind == "changed"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (4, 8, ("4", "8")),
        (4, "4", ("4", '"4"')),
        (True, "true", ("true", '"true"')),
        ("", None, ('""', "null")),
        ("a", " a", ("a", '" a"')),
        ("none", "some", ("none", "some")),
        (["a"], ["a", "b"], ('["a"]', '["a", "b"]')),
        ({"a": 1}, {}, ('{\n  "a": 1\n}', "{}")),
        (1, 1.0, ("1", "1.0")),
        (SECRET, SECRET, (SECRET, SECRET)),
        ("arn", f"{UNKNOWN} of the new key", ("arn", f"{UNKNOWN} of the new key")),
    ],
)
def test_values_are_written_so_that_different_ones_look_different(
    before: Any, after: Any, expected: tuple[str, str]
) -> None:
    property_ = shown(change("p", before, after))

    assert (texts_of("before", property_), texts_of("after", property_)) == expected
    assert "changed" in [row.kind for row in property_.rows]


def test_json_in_a_string_is_compared_line_by_line() -> None:
    before = json.dumps({"Statement": [{"Effect": "Deny", "Action": "s3:*"}]})
    after = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*"}]})
    property_ = shown(change("policy", before, after))

    assert property_.note == "JSON in a string"
    (changed,) = [row for row in property_.rows if row.kind == "changed"]
    assert changed.after is not None
    assert [piece.text for piece in changed.after.pieces if piece.differs] == ["Allow"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1}', '{"a":  1}'),
        ('{"Effect": "Deny", "a": 1}', '{"Effect": "Allow", "Effect": "Deny", "a": 2}'),
    ],
)
def test_what_reading_json_would_hide_is_shown_as_it_is(before: str, after: str) -> None:
    property_ = shown(change("policy", before, after))

    assert (texts_of("before", property_), texts_of("after", property_)) == (before, after)


def test_long_values_are_folded_and_shown_from_where_they_differ() -> None:
    before = "x " * 600
    property_ = shown(change("p", before + "one", before + "two"))

    (row,) = property_.rows
    assert row.after is not None
    assert row.after.preview.endswith("two…")
    assert row.after.size == "1,203 characters"


def test_of_a_huge_value_the_beginning_is_shown_and_that_is_told() -> None:
    property_ = shown(change("p", "a" * 50_000, "b" * 50_000))

    assert property_.note == "only the first 20,000 of 50,000 characters are shown"
    assert len(texts_of("after", property_)) == 20_000


def test_one_side_alone() -> None:
    added, removed = shown(change("p", None, "x", kind="added")), shown(change("p", "x", None, kind="removed"))

    assert (added.rows[0].before, texts_of("after", added)) == (None, "x")
    assert (removed.rows[0].after, texts_of("before", removed)) == (None, "x")


def test_values_that_stand_for_others_are_told() -> None:
    property_ = shown(change("p", SECRET, f"{UNKNOWN} of the key"))

    assert property_.special == (True, True)
    assert "known only after a deployment" in property_.note


def test_unseen_characters_are_named() -> None:
    assert words.visible("admin\u202e\u200b\x00\ud800 a\tb\nü") == "admin\\u{202e}\\u{200b}\\u{0}\\u{d800} a\tb\nü"


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("aws:s3/bucket:Bucket", "aws:s3:Bucket"),
        ("aws:s3/bucketV2:BucketV2", "aws:s3:BucketV2"),
        ("kubernetes:core/v1:Namespace", "kubernetes:core/v1:Namespace"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:networking.k8s.io/v1:NetworkPolicy"),
        ("pulumi:pulumi:Stack", "pulumi:pulumi:Stack"),
        ("anything", "anything"),
    ],
)
def test_types_are_shown_as_the_cli_does(token: str, short: str) -> None:
    assert words.short_type(token) == short


@given(st.text(max_size=60), st.integers(3, 40))
def test_a_name_fits_its_box(text: str, longest: int) -> None:
    fitted = words.middle_left_out(text, longest)

    assert len(fitted) <= longest
    assert fitted == text or (fitted[0] == text[0] and "…" in fitted)


def test_money() -> None:
    assert [words.dollars(1234.5), words.dollars(-0.001), words.dollars(0.12345, 3)] == ["$1,234.50", "$0.00", "$0.123"]
    assert [words.difference(1, 3), words.difference(3, 1), words.difference(1, 1.001)] == [
        "+$2.00",
        "\N{MINUS SIGN}$2.00",
        "±$0.00",
    ]
    assert words.direction(1, 1.001) == "equal"
