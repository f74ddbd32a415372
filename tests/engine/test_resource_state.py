"""What is recorded of one resource is what the pulumi command reads, whoever wrote it before."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine import resource_state
from engine.preview_document import render
from tests.engine.programs import PASSPHRASE, Project

FLOAT = {"4dabf18193072939515e22adb298388d": "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"}
NAN = {**FLOAT, "value": "7ff8000000000000"}
INFINITY = {**FLOAT, "value": "7ff0000000000000"}

PROGRAM = """
from things import Thing
config = pulumi.Config()
Thing("it", pulumi.ResourceOptions(hide_diffs=["size", 'tags["a.b"][0]']), ratio=float("inf"),
      of=pulumi.Output.secret(float("inf")), generation=config.require_int("generation"))

class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("yard:index:Group", name, {"loss": float("nan")})

Group("group")
pulumi.export("loss", float("nan"))
pulumi.export("best", {"ratio": [float("inf")]})
"""


def strict(text: str) -> Any:
    """JSON that holds nothing but JSON."""

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return Project(tmp_path, {"generation": 1}).write(PROGRAM)


def test_numbers_that_json_lacks_go_to_providers_and_state_and_come_back(project: Project) -> None:
    assert project.up().errors == []
    strict(project.state_file.read_text())
    it = project.recorded("it")
    assert (it["inputs"]["ratio"], it["outputs"]["ratio"]) == (INFINITY, INFINITY)
    assert project.recorded("yard-dev")["outputs"] == {"loss": NAN, "best": {"ratio": [INFINITY]}}
    assert project.cloud[0]["ratio"] == project.cloud[0]["of"] == math.inf
    # Neither differs from itself.
    same = project.preview(every_state=True)
    assert same.changes == {"same": 3}
    assert strict(render(same.document))["steps"][0]["oldState"]["outputs"]["loss"] == NAN
    project.configure(generation=2)
    preview = project.preview(every_state=True)
    (step,) = (step for step in strict(render(preview.document))["steps"] if step["op"] == "update")
    assert (step["oldState"]["outputs"]["ratio"], step["newState"]["inputs"]["ratio"]) == (INFINITY, INFINITY)
    assert project.up().steps == [("update", "it")]


def test_hidden_differences_are_recorded_as_paths(project: Project) -> None:
    project.up()
    assert project.recorded("it")["hideDiff"] == ["size", 'tags["a.b"][0]']


def test_what_an_earlier_version_wrote_badly_is_read_and_written_well(project: Project) -> None:
    project.up()
    document = json.loads(project.state_file.read_text())
    for resource in document["checkpoint"]["latest"]["resources"]:
        if resource["urn"].endswith("::it"):
            resource["hideDiff"] = [["size"], ["tags", "a.b", 0]]
            resource["inputs"]["ratio"] = resource["outputs"]["ratio"] = math.inf
    project.state_file.write_text(json.dumps(document))
    assert project.preview().steps == []
    run = project.up()
    assert (run.errors, run.steps) == ([], [])
    strict(project.state_file.read_text())
    it = project.recorded("it")
    assert (it["hideDiff"], it["inputs"]["ratio"]) == (["size", 'tags["a.b"][0]'], INFINITY)


def test_a_path_that_is_none_is_refused_before_anything_is_made(project: Project) -> None:
    main = project.folder / "__main__.py"
    main.write_text(main.read_text().replace('"size"', '"size["', 1))
    run = project.up()
    assert any("'size[' is not a property path" in message for message in run.errors)
    assert project.recorded_names() == []


def test_a_well_written_record_is_kept_word_for_word() -> None:
    document = {"urn": "urn:pulumi:s::p::t:m:T::r", "type": "t:m:T", "custom": True, "hideDiff": ["a"]}
    state = resource_state.decode(document, None)
    assert resource_state.recorded(state, str) is document
