"""The embedded engine and the real pulumi command on the same stacks: one goes on where the other stopped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.programs import PASSPHRASE, Project

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the `pulumi` command is not on PATH"),
    pytest.mark.skipif(
        shutil.which("pulumi-resource-pulumi-python") is None,
        reason="pulumi-resource-pulumi-python, which comes with the `pulumi` command, is not on PATH",
    ),
]

PROGRAM = """
import pathlib
from things import Thing, CLOUD
Options = pulumi.ResourceOptions
config = pulumi.Config()
generation = config.require_int("generation")
token = config.require_secret("token")
first = generation == 1

class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("yard:index:Group", name, {"generation": generation, "token": token}, opts)
        self.part = Thing(f"{name}-part", Options(parent=self), size=1)
        self.register_outputs({"serial": self.part.serial, "token": token, "part": self.part})

class Plain(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("yard:index:Plain", name, None, opts)
        Thing(f"{name}-leaf", Options(parent=self))

CLOUD.mkdir(exist_ok=True)
(CLOUD / "existing").write_text('{"label": "existing"}')

group = Group("group")
retaining = Plain("retaining", Options(retain_on_delete=True))
renamed = Plain("before" if first else "after", Options(aliases=[pulumi.Alias(name="before")]))
kept = Thing("kept", Options(additional_secret_outputs=["serial"]), size=7, ratio=0.5, password=token,
             nested={"list": [1, {"deep": token}], "empty": {}, "none": None, "flag": True}, of=group.part)
Thing("updated", size=generation, nested={"a": generation, "b": [generation, 2]}, of=kept.serial)
Thing("shrinking", nested={"a": 1, "b": [1, 2]} if first else {"b": [1]}, **({"extra": 1} if first else {}))
replaced = Thing("replaced", fixed=generation, of=kept.id)
Thing("follower", of=replaced.id)
Thing("bound", Options(deleted_with=replaced))
swapped = Thing("swapped", exclusive=generation)
Thing("swapped-too", Options(depends_on=[swapped]), exclusive=swapped.id)
Thing("chained", fixed=swapped.id)
Thing("turned", Options(ignore_changes=["nested.a", "size"]), size=generation, nested={"a": generation, "b": 1})
Thing("timed", Options(custom_timeouts=pulumi.CustomTimeouts(create="1m", delete="90s"), retain_on_delete=first))
Thing("guarded", Options(protect=first))
Thing("moved", Options(parent=None if first else group, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]))
Thing("revealed", size=pulumi.Output.secret(generation) if not first else 2)
found = Thing("found", Options(id="existing"))
if first:
    last = Thing("last", Options(depends_on=[group, kept]))
    Thing("last-of-all", of=last.id)
else:
    Thing("newcomer", of=replaced.id)
pulumi.export("serial", kept.serial)
pulumi.export("token", token)
pulumi.export("generation", generation)
pulumi.export("group", group)
pulumi.export("nothing", {})
"""


class Pulumi:
    """The real command in a project whose state lies in the project folder."""

    def __init__(self, project: Project) -> None:
        self.folder = project.folder
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PULUMI_BACKEND_URL": f"file://{self.folder}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_RUNTIME_VIRTUALENV": sys.prefix,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", "dev", "--non-interactive"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)


def make(folder: Path) -> Project:
    project = Project(folder, {"generation": 1}).write(PROGRAM)
    project.set_secret("token", "hunter2")
    return project


def comparable(project: Project) -> dict[str, dict[str, Any]]:
    """The record by URN, without what no two deployments have in common."""
    identifiers = {each["id"]: f"id of {each['urn']}" for each in project.latest["resources"] if each.get("id")}
    identifiers = {key: value for key, value in identifiers.items() if key != "existing"}

    def normal(value: Any) -> Any:
        match value:
            case dict():
                return {key: "sealed" if key == "ciphertext" else normal(element) for key, element in value.items()}
            case list():
                return [normal(element) for element in value]
            case str():
                for identifier, name in identifiers.items():
                    value = value.replace(identifier, name)
                return value
            case _:
                return value

    unstable = ("created", "modified", "stackTrace", "sourcePosition")
    record = {}
    for each in project.latest["resources"]:
        record[each["urn"]] = {key: normal(value) for key, value in each.items() if key not in unstable}
        # The program's SDK gives them in an order that differs from run to run.
        record[each["urn"]]["dependencies"] = sorted(each.get("dependencies") or [])
    return record


def essence(document: dict[str, Any]) -> dict[str, list[Any]]:
    """What the steps of a preview say, by operation and URN."""
    keys = ("diffReasons", "replaceReasons", "detailedDiff", "provider")
    return {f"{step['op']} {step['urn']}": [step.get(key) for key in keys] for step in document["steps"]}


def without_reasons_for_what_goes_along(
    ours: dict[str, list[Any]], theirs: dict[str, list[Any]]
) -> dict[str, list[Any]]:
    """Our steps without the reasons that the command leaves out: why a resource is replaced together with another."""
    return {
        key: [*step[:1], None, *step[2:]] if key.startswith("replace ") and theirs.get(key, step)[1] is None else step
        for key, step in ours.items()
    }


def test_one_goes_on_where_the_other_stopped(tmp_path: Path) -> None:
    theirs, ours = make(tmp_path / "theirs"), make(tmp_path / "ours")
    pulumi = Pulumi(theirs)
    pulumi("stack", "init")
    pulumi("up", "--yes", "--skip-preview")
    assert ours.up().errors == []
    assert comparable(ours) == comparable(theirs)

    same = theirs.preview()
    assert same.errors == []
    assert same.steps == [("read", "found")]

    theirs.configure(generation=2)
    expected = json.loads(pulumi("preview", "--json"))
    preview = theirs.preview(every_state=True)
    assert without_reasons_for_what_goes_along(essence(preview.document), essence(expected)) == essence(expected)
    assert preview.document["changeSummary"] == expected["changeSummary"]

    run = theirs.up()
    assert run.errors == []
    pulumi("preview", "--expect-no-changes")
    ours.configure(generation=2)
    Pulumi(ours)("up", "--yes", "--skip-preview")
    assert comparable(ours) == comparable(theirs)
    pulumi("destroy", "--yes", "--skip-preview")
    assert ours.destroy().errors == []
    assert [thing["label"] for thing in ours.cloud] == [thing["label"] for thing in theirs.cloud]
