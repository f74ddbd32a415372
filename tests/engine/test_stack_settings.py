"""Pulumi.yaml and Pulumi.STACK.yaml: what is read and refused, what a program receives, what an edit leaves alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import config_values
from engine.errors import Unsupported
from engine.project import Project, load_project, parse_project
from engine.stack_settings import (
    InvalidConfig,
    load_stack_settings,
    parse_stack_settings,
    resolve_config,
    set_config,
    set_encryption_salt,
)
from engine.yaml_documents import Document, InvalidFile, parse_document, resolve_scalar


def project(text: str = "name: p\nruntime: python\n", folder: Path = Path("/p")) -> Project:
    return parse_project(parse_document(folder / "Pulumi.yaml", text))


def resolved(config: dict[str, Any], declared: str = "", decrypt: Any = None) -> Any:
    declared = f"name: p\nruntime: python\n{declared}"
    settings = parse_stack_settings(project(declared), "s", Document(Path("/p/Pulumi.s.yaml"), {"config": config}))
    return resolve_config(settings, decrypt)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes", "yes"), ("on", "on"), ("True", True), ("~", None), ("", None), ("017", 15), ("0o17", 15), ("0x1F", 31),
        ("-0x1f", -31), ("0b11", 3), ("1_000", 1000), ("08", 8.0), ("+5", 5), ("1.50", 1.5), ("1e3", 1000.0),
        (".5", 0.5), ("5.", 5.0), ("1:30", "1:30"), ("_1", "_1"), ("0x1p4", "0x1p4"),
        ("18446744073709551615", 2**64 - 1),
        ("2020-01-02", "2020-01-02 00:00:00 +0000 UTC"), ("2020-13-02", "2020-13-02"),
        ("2020-01-02T03:04:05.5+02:00", "2020-01-02 03:04:05.5 +0200 +0200"),
        ("2020-01-02 03:04:05", "2020-01-02 03:04:05 +0000 UTC"), ("1.2.3", "1.2.3"), ("-", "-"),
    ],
)  # fmt: skip
def test_scalars_mean_what_they_mean_to_the_pulumi_command(text: str, meaning: object) -> None:
    assert resolve_scalar(text) == meaning
    assert type(resolve_scalar(text)) is type(meaning)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (1.5, "1.5"), (1e21, "1e+21"), (1e-7, "1e-7"), (123456789012345678901.5,
        "123456789012345680000"), (1e-6, "0.000001"), (True, "true"), (None, "null"),
        (2**64 - 1, "18446744073709551615"),
        ({"b": 1, "a": ["<&>\u2028", 1.0, None]}, '{"a":["\\u003c\\u0026\\u003e\\u2028",1,null],"b":1}'),
    ],
)  # fmt: skip
def test_values_become_the_json_that_go_writes(value: object, text: str) -> None:
    assert config_values.json_text(value) == text


def test_keys_have_the_projects_namespace_where_they_have_none() -> None:
    config = resolved({"a": 1, "p:b": "2", "other:c": True, "p:config:d": 1.5, "e": None, "f": [1, "x"]})
    assert config.values == {"other:c": "true", "p:a": "1", "p:b": "2", "p:d": "1.5", "p:e": "", "p:f": '[1,"x"]'}
    assert list(config.values) == sorted(config.values)
    assert config.secret_keys == ()


def test_secrets_at_any_depth_are_decrypted_or_unknown() -> None:
    config = {"top": {"secure": "c1"}, "deep": {"a": [{"secure": "c2"}], "b": 1}, "not": {"secure": 5}, "plain": "x"}
    known = resolved(config, decrypt=str.upper)
    assert known.values == {
        "p:deep": '{"a":["C2"],"b":1}', "p:not": '{"secure":5}', "p:plain": "x", "p:top": "C1",
    }  # fmt: skip
    assert known.secret_keys == ("p:deep", "p:top")
    assert known.unknown_keys == ()
    assert known.recorded["p:deep"] == {"a": [{"secure": "c2"}], "b": 1}
    unknown = resolved(config)
    assert unknown.values == {"p:not": '{"secure":5}', "p:plain": "x"}
    assert unknown.unknown_keys == unknown.secret_keys == ("p:deep", "p:top")


def test_defaults_fill_what_the_stack_leaves_open() -> None:
    declared = """
config:
  text: {type: string, default: hello}
  number: {type: integer, default: 3}
  ratio: {default: 0.5}
  short: 5
  list: {type: array, items: {type: string}, default: [a]}
  nested.inner: {type: integer, default: 7}
  aws:region: here
"""
    config = resolved({"text": "own", "nested": {"other": 1}}, declared)
    assert config.values == {
        "aws:region": "here", "p:list": '["a"]', "p:nested": '{"inner":7,"other":1}', "p:number": "3", "p:ratio": "0.5",
        "p:short": "5", "p:text": "own",
    }  # fmt: skip
    assert config.recorded["p:number"] == "3"
    assert config.recorded["p:ratio"] == 0.5


def test_all_that_is_missing_or_mistyped_is_told_at_once() -> None:
    declared = """
config:
  count: {type: integer}
  flags: {type: array, items: {type: boolean}}
  hidden: {type: string, secret: true}
  needed: {type: string}
  token: {type: integer, secret: true}
"""
    config = {"count": "1.5", "flags": [True, "maybe"], "hidden": "clear", "token": {"secure": "sesame"}}
    with pytest.raises(InvalidConfig) as caught:
        resolved(config, declared, decrypt=str.upper)
    assert str(caught.value).splitlines() == [
        "/p/Pulumi.s.yaml: needed is not set and has no default (string): pulumi config set needed VALUE",
        "/p/Pulumi.s.yaml: count is 1.5 and must be of type integer",
        '/p/Pulumi.s.yaml: flags is [true,"maybe"] and must be of type array<boolean>',
        "/p/Pulumi.s.yaml: hidden is declared secret and stands in clear text: pulumi config set --secret hidden",
        "/p/Pulumi.s.yaml: token must be of type integer",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("config:\n  p:a: 1\n  p:a: 2\n", "line 3: 'p:a' stands here a second time"),
        ("config:\n  p:a: 1\n  a: 2\n", "line 3: 'a' stands here a second time, as p:a"),
        ("config:\n  a:b:c: 1\n", "line 2: 'a:b:c' is not a configuration key; it is written NAME or NAMESPACE:NAME"),
        ("config:\n  5: 1\n", "line 2: keys are strings; write '5' in quotes"),
        ("config: 5\n", "line 1: 'config' maps configuration keys to values"),
        ("- a\n", "line 1: a stack's file is a mapping, with 'config' for example"),
        ("config:\n  p:a: .inf\n", "line 2: .inf is not a number that a setting can hold"),
        ("encryptionsalt: 5\n", "line 1: 'encryptionsalt' is text"),
    ],
)
def test_a_bad_stack_file_is_told_with_its_line(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "Pulumi.s.yaml").write_text(text)
    with pytest.raises(InvalidFile) as caught:
        load_stack_settings(project(folder=tmp_path), "s")
    assert str(caught.value) == f"{tmp_path}/Pulumi.s.yaml, {error}"


def test_what_is_not_yaml_is_told_with_its_line() -> None:
    with pytest.raises(InvalidFile, match=r"^/p/Pulumi\.yaml, line 2: not valid YAML: "):
        project("name: p\nruntime: a: b\n")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("runtime: python\n", "/p/Pulumi.yaml, line 1: the project has no 'name'"),
        ("name: a b\nruntime: python\n", "/p/Pulumi.yaml, line 1: 'a b' cannot name a project"),
        ("name: p\nruntime: 5\n", "/p/Pulumi.yaml, line 2: 'runtime' is a name"),
        ("name: p\nruntime: x\nconfig:\n  a: {typ: string}\n", "/p/Pulumi.yaml, line 4: a declaration has no 'typ'"),
        (
            "name: p\nruntime: x\nconfig:\n  a: {type: number}\n",
            "/p/Pulumi.yaml, line 4: 'number' is not a type; it can",
        ),
        (
            "name: p\nruntime: x\nconfig:\n  a: {type: array}\n",
            "/p/Pulumi.yaml, line 4: 'a' is an array and does not say",
        ),
        (
            "name: p\nruntime: x\nconfig:\n  a: {type: integer, default: x}\n",
            "/p/Pulumi.yaml, line 4: the default of 'a' is not of its type, integer",
        ),
        (
            "name: p\nruntime: x\nconfig:\n  aws:a: {type: string}\n",
            "/p/Pulumi.yaml, line 4: 'aws:a' belongs to another",
        ),
        ("name: p\nruntime: x\nconfig:\n  a: {value: 1, default: 2}\n", "/p/Pulumi.yaml, line 4: 'a' has both a"),
        ("name: p\nruntime: x\noptions: {refresh: never}\n", "/p/Pulumi.yaml, line 3: 'refresh' can only be 'always'"),
    ],
)
def test_a_bad_project_file_is_told_with_its_line(text: str, error: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        project(text)
    assert str(caught.value).startswith(error)


def test_the_project_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: p\nruntime: {name: python, options: {virtualenv: .venv}}\nmain: src\nstackConfigDir: stacks\n"
        "backend: {url: 'file://~'}\n"
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = load_project(below)
    assert (found.name, found.runtime, found.runtime_options) == ("p", "python", {"virtualenv": ".venv"})
    assert found.program_folder == tmp_path / "src"
    assert found.stack_file("dev") == tmp_path / "stacks" / "Pulumi.dev.yaml"
    assert found.backend_url == "file://~"


def test_another_secrets_provider_is_refused_only_when_a_secret_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.s.yaml"
    file.write_text("secretsprovider: awskms://alias/x\nencryptedkey: abc\nconfig:\n  a: {secure: c}\n")
    settings = load_stack_settings(project(folder=tmp_path), "s")
    assert resolve_config(settings, None).unknown_keys == ("p:a",)
    with pytest.raises(Unsupported, match="awskms://alias/x"):
        resolve_config(settings, str.upper)


STACK_FILE = """\
# The top comment
#   indented

config:
  # about a
  p:a:   "1"   # trailing
  list:
  - x
  -   y
  folded: >-
    some
    text

  p:o: {a: 1, b: [1,2]}
  # last
"""


def test_writing_the_salt_leaves_every_other_byte(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.s.yaml"
    file.write_text(STACK_FILE)
    first = set_encryption_salt(load_stack_settings(project(folder=tmp_path), "s"), "v1:a=:v1:b:c==")
    assert first.encryption_salt == "v1:a=:v1:b:c=="
    assert file.read_text() == STACK_FILE + "encryptionsalt: v1:a=:v1:b:c==\n"
    set_encryption_salt(first, "v1:d:v1:e:f")
    assert file.read_text() == STACK_FILE + "encryptionsalt: v1:d:v1:e:f\n"


@pytest.mark.parametrize("text", ["", "# only a comment", "{config: {a: 1}}\n", "config: {a: 1}\n...\n"])
def test_the_salt_finds_a_place_in_any_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Pulumi.s.yaml"
    if text:
        file.write_text(text)
    before = load_stack_settings(project(folder=tmp_path), "s")
    set_encryption_salt(before, "v1:a=:v1:b:c==")
    after = load_stack_settings(project(folder=tmp_path), "s")
    assert after.encryption_salt == "v1:a=:v1:b:c=="
    assert after.config == before.config
    assert "# only" in file.read_text() or "#" not in text


def test_setting_a_value_keeps_comments_and_order(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.s.yaml"
    file.write_text(STACK_FILE)
    settings = load_stack_settings(project(folder=tmp_path), "s")
    settings = set_config(settings, "p:list", ["z"])
    settings = set_config(settings, "token", "text", encrypt=lambda text: f"v1:{text}")
    assert settings == load_stack_settings(project(folder=tmp_path), "s")
    assert list(settings.config) == ["p:a", "p:list", "p:folded", "p:o", "p:token"]
    assert settings.config["p:token"] == config_values.Secret("v1:text")
    for comment in ("# The top comment\n#   indented", "# about a", "# trailing", "# last"):
        assert comment in file.read_text()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz .:<", min_size=1), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(json_values)
def test_what_is_set_is_what_a_program_receives(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    if isinstance(value, dict) and list(value) == ["secure"]:
        return
    folder = tmp_path_factory.mktemp("project")
    stack = project(folder=folder)
    set_config(load_stack_settings(stack, "s"), "key", value)
    received = resolve_config(load_stack_settings(stack, "s"), None).values["p:key"]
    assert received == ("" if value is None else config_values.text_of(value))


@given(json_values, st.lists(st.text("abc", min_size=1) | st.integers(0, 3), min_size=1, max_size=4))
def test_a_path_that_is_set_can_be_read(value: Any, path: list[str | int]) -> None:
    try:
        changed = config_values.set_path({}, ["root", *path], value)
    except ValueError:
        assert any(isinstance(part, int) and part > 0 for part in path)
        return
    assert config_values.get_path(changed, ["root", *path]) == (config_values.as_value(value), True)


def test_paths_are_written_as_the_pulumi_command_has_them() -> None:
    assert config_values.parse_path('a.b[0]["c.d"].e') == ["a", "b", 0, "c.d", "e"]
    for wrong in ("", ".a", "a..b", "a[", "a[x]", "[0]", "a]b"):
        with pytest.raises(ValueError, match="is not a path"):
            config_values.parse_path(wrong)
