"""Files of YAML and JSON: what they mean, and that whatever else is in a file is told and never fails otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning.documents import as_mapping, read_document
from planning.errors import PlanningError

# What has a meaning in YAML, some of it only where it does not belong.
TOKENS = (
    "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!set", "!!binary", "!!omap", "!!timestamp", "!!value", "!<a>",
    "&a", "*a", "<<", "?", ":", ": ", "-", "- ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "#", "---", "...",
    "%YAML 1.1", "%YAML 1.11", "%TAG ! x", "\n", " ", "\t", "a", "1", "1.5", "1e3", ".inf", "true", "~", "2020-13-45",
    "0x", "0o7", "\\u12", "\\ud83d", "\\U0011ffff", "\x85", "\u2028", "\ufeff", "=", "+", "1_0", "_", ".", "9" * 400,
)  # fmt: skip
BYTES = (
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from(TOKENS)).map(lambda tokens: "".join(tokens).encode())
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def read(folder: Path, content: str | bytes) -> Any:
    file = folder / "file.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(file, "--file")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=BYTES)
def test_any_bytes_are_a_document_or_are_refused(tmp_path: Path, content: bytes) -> None:
    try:
        document = read(tmp_path, content)
    except PlanningError as error:
        document, refused = None, str(error)
    if document is None:
        assert refused.startswith("--file = '")
        assert refused.endswith("must be a file of YAML 1.2 or JSON, in UTF-8")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES.filter(lambda value: value is not None), indent=st.sampled_from([None, 2, "\t"]))
def test_json_means_what_it_means_to_json(tmp_path: Path, value: Any, indent: int | str | None) -> None:
    assert read(tmp_path, json.dumps(value, indent=indent)) == value


def test_a_long_key_of_json_is_a_key(tmp_path: Path) -> None:
    """YAML's own limit is 1024 characters on a line."""
    assert read(tmp_path, json.dumps({"k" * 2000: 1})) == {"k" * 2000: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("010", 10),
        ("0o10", 8),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2025-01-01", "2025-01-01"),
        ("2025-13-45", "2025-13-45"),
        ("%YAML 1.1\n---\n[yes, 010, 1:30]", ["yes", 10, "1:30"]),
        ("\ufeffa: 1", {"a": 1}),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ("a: &x {b: 1}\nc: {<<: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("- &a 1\n- &a 2", [1, 2]),
    ],
)
def test_values_are_those_of_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "': is empty"),
        ("# nothing\n", "': is empty"),
        ("a: 1\nb: 2\na: 3\n", ', line 3: is neither YAML nor JSON: found duplicate key "a"'),
        ('{"a": 1, "a": 2}', "found duplicate key"),
        ("a:\n  - [1, 2\nb: 3\n", "line 3: is neither YAML nor JSON"),
        ("a: 1\nb: !!int x\n", "line 2: is neither YAML nor JSON: 'x' is no int that can be used"),
        ("9" * 5000, "is no int that can be used"),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a: !!binary aGk=", "could not determine a constructor"),
        ("a\n\0", "line 2: is neither YAML nor JSON: the character U+0000"),
        ('"\\ud83d"', "half a character"),
        ("[" * 5000, "nested too deeply"),
        (b"a\xff", "cannot be read: byte 1 is no UTF-8"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_document_is_told_with_its_place(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(PlanningError) as error:
        read(tmp_path, content)
    assert said in str(error.value)
    assert str(tmp_path / "file.yaml") in str(error.value)


@pytest.mark.parametrize(("name", "said"), [("none.yaml", "No such file"), (".", "directory"), ("a\0b", "null byte")])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(PlanningError, match=rf"--work = .*: cannot be read: .*{said}"):
        read_document(tmp_path / name, "--work")


@pytest.mark.parametrize("document", [None, [], {}, "text", 3, [{"a": 1}]])
def test_what_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(PlanningError, match="--work: must be a mapping"):
        as_mapping(document, "--work")


def test_keys_are_text() -> None:
    assert as_mapping({"a": 1}, "--work") == {"a": 1}
    with pytest.raises(PlanningError, match="--work: the key 1 must be text; write it in quotes\n--work: the key None"):
        as_mapping({1: 2, "a": 3, None: 4}, "--work")
