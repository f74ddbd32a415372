"""The document of a preview: the same keys, order and omissions as `pulumi preview --json`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.events import Diagnostic, Event, Finished, Operation, Severity, StepStarted
from engine.preview_document import preview_document, render
from tests.engine import display_scenarios as scenarios

GOLDEN = Path(__file__).parent / "golden" / "preview_document"

PROGRAM = """
import pulumi

class Provider(pulumi.dynamic.ResourceProvider):
    def create(self, props):
        return pulumi.dynamic.CreateResult("1", {**props, "arn": "arn:" + props["name"]})
    def diff(self, id, olds, news):
        replaces = ["name"] if olds.get("name") != news.get("name") else []
        changes = olds.get("tags") != news.get("tags") or bool(replaces)
        return pulumi.dynamic.DiffResult(changes=changes, replaces=replaces)
    def update(self, id, olds, news):
        return pulumi.dynamic.UpdateResult({**news, "arn": olds["arn"]})

class Bucket(pulumi.dynamic.Resource, module="local", name="Bucket"):
    arn: pulumi.Output[str]
    def __init__(self, name, props, opts=None):
        super().__init__(Provider(), name, {"arn": None, **props}, opts)

class Store(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Store", name)
        kid = pulumi.ResourceOptions(parent=self)
        password = pulumi.Output.secret("hunter2")
        self.data = Bucket("data", {"name": "data", "tags": {"t": STAGE}, "password": password}, kid)
        Bucket("logs", {"name": "logs" + STAGE, "target": self.data.arn}, kid)
        self.register_outputs({"arn": self.data.arn})

STAGE = __import__("os").environ["STAGE"]
store = Store("store")
Bucket("same", {"name": "same"})
if STAGE == "1":
    Bucket("old", {"name": "old"})
pulumi.log.warn("a <warning>")
pulumi.export("arn", store.data.arn)
"""


def document_of(events: list[Event]) -> str:
    return render(preview_document(events))


@pytest.mark.parametrize("scenario", ["new_stack", "no_change", "mixed", "violating"])
def test_documents(scenario: str) -> None:
    text = document_of(getattr(scenarios, scenario)())
    file = GOLDEN / f"{scenario}.json"
    if os.environ.get("TRAINYARD_WRITE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def test_an_empty_preview_is_an_empty_object() -> None:
    assert document_of([Finished("succeeded", {}, 0.0)]) == "{}\n"


def test_characters_are_escaped_as_go_does() -> None:
    text = document_of([Diagnostic(Severity.INFO, "<a> & é \u2028 \ud800 \x1b"), Finished("succeeded", {}, 0.0)])
    assert '"message": "\\u003ca\\u003e \\u0026 é \\u2028 \ufffd \\u001b\\n"' in text
    assert json.loads(text)["diagnostics"][0]["message"] == "<a> & é \u2028 \ufffd \x1b\n"


def test_debug_and_ephemeral_messages_are_no_part_of_it() -> None:
    events = [
        Diagnostic(Severity.DEBUG, "d"),
        Diagnostic(Severity.INFO, "e", ephemeral=True),
        Finished("succeeded", {}, 0),
    ]
    assert document_of(events) == "{}\n"


def test_an_unchanged_resource_that_loses_its_protection_is_a_step() -> None:
    urn = scenarios.bucket("data")
    events = [
        StepStarted(Operation.SAME, urn, old_state={"urn": urn, "protect": True}, new_state={"urn": urn}),
        Finished("succeeded", {"same": 1}, 0),
    ]
    assert [step["op"] for step in preview_document(events)["steps"]] == ["same"]


@pytest.mark.pulumi_cli
@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("pulumi") and shutil.which("pulumi-resource-pulumi-python")),
    reason="`pulumi` with its Python language host is not on PATH",
)
def test_the_same_events_make_the_document_of_the_pulumi_cli(tmp_path: Path) -> None:
    """Reads the CLI's own steps as events and expects its document back, byte for byte."""
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "Pulumi.yaml").write_text(
        f"name: shop\nruntime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
    )
    (tmp_path / "state").mkdir()
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(tmp_path / "home"),
    }

    def pulumi(*arguments: str, stage: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=tmp_path,
            env={**environment, "STAGE": stage},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    pulumi("stack", "init", "dev", stage="1")
    first = pulumi("preview", "--json", stage="1")
    pulumi("up", "--yes", "--skip-preview", stage="1")
    second = pulumi("preview", "--json", stage="2")
    for text in (first, second):
        assert document_of(events_of(json.loads(text))) == text
    operations = [step["op"] for step in json.loads(second)["steps"]]
    assert sorted(operations) == ["delete", "replace", "same", "update"]


def events_of(document: dict[str, Any]) -> list[Event]:
    """The events that a document tells of, with some that it must leave out."""
    events: list[Event] = [
        StepStarted(Operation.CREATE, scenarios.PROVIDER, custom=True, new_state={"urn": scenarios.PROVIDER}),
        StepStarted(Operation.SAME, scenarios.bucket("unmentioned")),
    ]
    for step in document["steps"]:
        events.append(
            StepStarted(
                step["op"],
                step["urn"],
                provider=step.get("provider", ""),
                old_state=step.get("oldState"),
                new_state=step.get("newState"),
                diff_reasons=step.get("diffReasons", []),
                replace_reasons=step.get("replaceReasons", []),
                detailed_diff=step["detailedDiff"],
            )
        )
        if step["op"] == "replace":
            events.append(StepStarted(Operation.CREATE_REPLACEMENT, step["urn"], logical=False))
            events.append(StepStarted(Operation.DELETE_REPLACED, step["urn"], logical=False))
    for entry in document.get("diagnostics", []):
        message = entry["message"].removeprefix(f"{entry['severity']}: ").removesuffix("\n")
        events.append(Diagnostic(entry["severity"], message, entry.get("urn", "")))
    changes = dict(reversed(document["changeSummary"].items()))
    return [*events, Finished("succeeded", changes, document["duration"] / 1e9, config=document.get("config", {}))]
