"""The policy configuration of a stack: what it sets, and which mistakes it refuses with which words."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import configuration
from policies.catalogue import RULES
from policies.configuration import ConfigurationError, Exemption
from policies.resources import Resource
from policies.rules import Parameter, Rule, resource_rule

TODAY = datetime.date(2026, 11, 26)


def described(identifier: str, **more: Any) -> Any:
    return resource_rule(
        "a:b:C", id=identifier, title="T.", severity="low", frameworks=("F",), wrong="W.", mend="m.", **more
    )


@described(
    "disk-size",
    parameters={
        "maximum_gib": Parameter(100, "The largest disk, in GiB.", minimum=10),
        "types": Parameter(("gp3",), "Allowed types."),
        "strict": Parameter(False, "Whether it is strict."),
        "region": Parameter("eu-west-1", "The region."),
    },
)
def disk_size(_: Resource, **__: Any) -> Iterator[str]:
    yield from ()


@described("disk-encrypted", level="advisory")
def disk_encrypted(_: Resource) -> Iterator[str]:
    yield from ()


DISKS: tuple[Rule, ...] = (disk_size, disk_encrypted)
EXEMPTION = {"resource": "scratch-*", "reason": "It holds nothing.", "expires": "2026-11-26"}


def settings(content: dict[str, Any]) -> dict[str, configuration.Setting]:
    return configuration.settings(content, DISKS, TODAY)


def refusal(content: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        settings(content)
    return [line.removeprefix("policy configuration: ") for line in str(raised.value).splitlines()]


def test_without_a_configuration_rules_are_as_they_are_written() -> None:
    found = settings({})
    assert {name: setting.level for name, setting in found.items()} == {
        "disk-size": "mandatory",
        "disk-encrypted": "advisory",
    }
    assert found["disk-size"].parameters == {
        "maximum_gib": 100,
        "types": ("gp3",),
        "strict": False,
        "region": "eu-west-1",
    }


def test_levels_parameters_and_exemptions_are_set_by_rule() -> None:
    found = settings(
        {
            "disk-size": {"enforcementLevel": "advisory", "maximum_gib": 20, "exemptions": [EXEMPTION]},
            "disk-encrypted": "disabled",
        }
    )
    assert (found["disk-size"].level, found["disk-encrypted"].level) == ("advisory", "disabled")
    assert found["disk-size"].parameters["maximum_gib"] == 20
    assert found["disk-size"].exemptions == (Exemption("scratch-*", "It holds nothing.", TODAY),)


def test_the_level_of_all_rules_gives_way_to_that_of_one() -> None:
    found = settings({"all": "advisory", "disk-encrypted": {"enforcementLevel": "mandatory"}})
    assert (found["disk-size"].level, found["disk-encrypted"].level) == ("advisory", "mandatory")


@pytest.mark.parametrize(
    ("resource", "name", "urn", "covered"),
    [
        ("scratch-*", "scratch-1", "urn:pulumi:dev::yard::a:b:C::scratch-1", True),
        ("scratch-1", "scratch-1", "urn:x", True),
        ("*a:b:C::scratch-1", "scratch-1", "urn:pulumi:dev::yard::a:b:C::scratch-1", True),
        ("Scratch-1", "scratch-1", "urn:x", False),
        ("scratch", "scratch-1", "urn:x", False),
        ("queue[1]*", "queue[1]-a", "urn:x", True),
        ("queue[1]", "queue1", "urn:x", False),
        ("stack", "", "", True),
        ("*", "", "", False),
    ],
)
def test_an_exemption_covers_names_patterns_urns_or_the_stack(
    resource: str, name: str, urn: str, covered: bool
) -> None:
    assert Exemption(resource, "R.", TODAY).covers(name, urn) is covered


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"disk-sise": "advisory"}, ["'disk-sise' is not a rule of this pack; did you mean 'disk-size'?"]),
        ({"something": "advisory"}, ["'something' is not a rule of this pack; `yard policies` lists them"]),
        ({"disk-size": "off"}, ["disk-size: 'off' is not a level; valid are advisory, mandatory, disabled"]),
        (
            {"disk-size": 3},
            ["disk-size: 3 is not valid; expected a level (advisory, mandatory, disabled) or an object"],
        ),
        (
            {"disk-encrypted": {"size": 3}},
            ["disk-encrypted: it has no parameter 'size'; valid: enforcementLevel, exemptions"],
        ),
        (
            {"all": {"exemptions": []}},
            ["all: it has no parameter 'exemptions'; valid: enforcementLevel"],
        ),
        (
            {"disk-size": {"maximum_gib": "20"}},
            ["disk-size.maximum_gib: '20' is not valid; expected a number of 10 or more"],
        ),
        ({"disk-size": {"maximum_gib": 9}}, ["disk-size.maximum_gib: 9 is not valid; expected a number of 10 or more"]),
        *(
            (
                {"disk-size": {"maximum_gib": number}},
                [f"disk-size.maximum_gib: {number} is not valid; expected a number of 10 or more"],
            )
            for number in (float("inf"), float("nan"), 10**400)
        ),
        (
            {"disk-size": {"maximum_gib": True}},
            ["disk-size.maximum_gib: True is not valid; expected a number of 10 or more"],
        ),
        ({"disk-size": {"types": "gp3"}}, ["disk-size.types: 'gp3' is not valid; expected a list of texts"]),
        ({"disk-size": {"strict": 1}}, ["disk-size.strict: 1 is not valid; expected true or false"]),
        ({"disk-size": {"region": None}}, ["disk-size.region: None is not valid; expected a text"]),
        (
            {"disk-size": {"exemptions": [EXEMPTION | {"expires": "2026-11-25"}]}},
            [
                "disk-size.exemptions: of 'scratch-*': it expired on 2026-11-25; mend what it exempts, or say anew why "
                "not and until when"
            ],
        ),
        (
            {"disk-size": {"exemptions": [EXEMPTION | {"expires": "next year", "reason": " "}]}},
            [
                "disk-size.exemptions: of 'scratch-*': reason is ' '; expected a text",
                "disk-size.exemptions: of 'scratch-*': expires is 'next year'; expected a day such as 2026-11-26",
            ],
        ),
        (
            {"disk-size": {"exemptions": [{"resource": "x"}]}},
            ["disk-size.exemptions: {'resource': 'x'} is not valid; expected an object with resource, reason, expires"],
        ),
        (
            {"disk-size": {"exemptions": EXEMPTION}},
            [
                f"disk-size.exemptions: {EXEMPTION!r} is not valid; expected a list of objects with resource, reason, "
                "expires"
            ],
        ),
        (
            {"disk-sise": "advisory", "disk-encrypted": "off"},
            [
                "'disk-sise' is not a rule of this pack; did you mean 'disk-size'?",
                "disk-encrypted: 'off' is not a level; valid are advisory, mandatory, disabled",
            ],
        ),
    ],
)
def test_mistakes_are_refused_all_at_once(content: dict[str, Any], said: list[str]) -> None:
    assert refusal(content) == said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["disk-size", "disk-encrypted", "all", "enforcementLevel", "exemptions", "maximum_gib"])


@given(st.dictionaries(keys, json_values | st.dictionaries(keys, json_values, max_size=3), max_size=3))
def test_whatever_the_file_holds_is_either_taken_or_refused(content: dict[str, Any]) -> None:
    try:
        found = settings(content)
    except ConfigurationError:
        return
    assert set(found) == {rule.id for rule in DISKS}
    assert all(setting.level in configuration.LEVELS for setting in found.values())


def test_a_file_that_is_no_object_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dev.json"
    for text, said in (
        ("[]", "expected an object"),
        ("{", "cannot be read"),
        ("\ufeff{}", "cannot be read: Unexpected UTF-8 BOM"),
        ("[" * 100_000, "cannot be read"),
        ('{"a": {"b": 1, "b": 2}}', "cannot be read: 'b' is given twice"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=f"policy configuration dev.json: .*{said}"):
            configuration.read(file)
    file.write_text("")
    assert configuration.read(file) == {}
    assert configuration.read(tmp_path / "none.json") == {}


@pytest.mark.parametrize("file", sorted(configuration.FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_the_stacks_of_this_project_are_configured_rightly(file: Path) -> None:
    assert configuration.settings(configuration.read(file), RULES, TODAY)


@pytest.mark.parametrize(("development", "production"), [("dev", "prod"), ("gcp-dev", "gcp-prod")])
def test_what_dev_only_tells_prod_refuses(development: str, production: str) -> None:
    def levels(stack: str) -> dict[str, str]:
        content = json.loads(configuration.stack_file(stack).read_text())
        found = configuration.settings(content, RULES, TODAY)
        return {name: setting.level for name, setting in found.items()}

    dev, prod = levels(development), levels(production)
    relaxed = {name for name, level in dev.items() if level == "advisory" and prod[name] == "mandatory"}
    assert relaxed, "dev is to be told what prod refuses"
    assert [name for name, level in dev.items() if level == "mandatory" and prod[name] != "mandatory"] == []
