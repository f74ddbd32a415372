"""Whole Pulumi programs, unmodified, through the SDK, the engine and the SDK's own server for dynamic resources."""

from pathlib import Path

import pytest

from engine.events import Severity
from tests.engine.programs import PASSPHRASE, Project


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)


MIXED = """
from things import Thing
config = pulumi.Config()
generation = config.require_int("generation")

class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("yard:index:Group", name, {"generation": generation}, opts)
        self.part = Thing(f"{name}-part", pulumi.ResourceOptions(parent=self), size=1)
        self.register_outputs({"serial": self.part.serial, "generation": generation})

group = Group("group")
kept = Thing("kept", size=7, password=pulumi.Output.secret("hunter2"), of=group.part)
Thing("updated", size=generation, of=kept.serial)
Thing("replaced", fixed=generation, of=kept.id)
Thing("swapped", exclusive=generation)
if generation == 1:
    last = Thing("last", pulumi.ResourceOptions(depends_on=[group, kept]))
else:
    Thing("newcomer")
pulumi.export("serial", kept.serial)
pulumi.export("secret", kept.password if hasattr(kept, "password") else pulumi.Output.secret("swordfish"))
pulumi.export("generation", generation)
pulumi.export("group", group)
"""


def test_a_program_over_two_generations(tmp_path: Path) -> None:
    project = Project(tmp_path, {"generation": 1}).write(MIXED)
    preview = project.preview()
    first = project.up()
    assert first.errors == []
    assert first.finished.outcome == "succeeded"
    assert sorted(preview.steps) == sorted(first.steps)
    assert preview.changes == first.changes == {"create": 8}
    # What a provider prints is shown, as a message.
    assert "made kept" in first.messages(Severity.INFO)
    assert first.finished.outputs["serial"] == "s-kept"
    assert first.finished.outputs["secret"] == "[secret]"
    assert first.finished.outputs["generation"] == 1
    group = project.recorded("group")
    assert first.finished.outputs["group"]["urn"] == group["urn"]
    # Values that the provider added, and references to resources, come back as they were.
    assert project.recorded("kept")["inputs"]["added"] == "by check"
    assert group["outputs"] == {"generation": 1, "serial": "s-group-part"}
    assert project.recorded("group-part")["parent"] == group["urn"]
    # dependsOn a component means its children, too.
    assert set(project.recorded("last")["dependencies"]) >= {
        project.recorded("kept")["urn"], project.recorded("group-part")["urn"]
    }  # fmt: skip
    assert project.recorded("updated")["propertyDependencies"]["of"] == [project.recorded("kept")["urn"]]
    text = project.state_file.read_text()
    assert "hunter2" not in text
    assert "swordfish" not in text
    assert "hunter2" not in repr(first.events) + repr(preview.events)

    same = project.preview(every_state=True)
    assert same.changes == {"same": 8}
    assert [step["op"] for step in same.document["steps"]] == ["same"]

    project.configure(generation=2)
    preview = project.preview()
    second = project.up()
    assert second.errors == []
    assert sorted(preview.steps) == sorted(second.steps) == sorted(
        [
            ("update", "group"), ("update", "updated"), ("create", "newcomer"), ("delete", "last"),
            ("create-replacement", "replaced"), ("replace", "replaced"), ("delete-replaced", "replaced"),
            ("delete-replaced", "swapped"), ("replace", "swapped"), ("create-replacement", "swapped"),
        ]
    )  # fmt: skip
    assert second.changes == {"create": 1, "delete": 1, "replace": 2, "same": 3, "update": 2}
    assert [thing["label"] for thing in project.cloud] == [
        "group-part", "kept", "newcomer", "replaced", "swapped", "updated"
    ]  # fmt: skip
    assert project.destroy().changes == {"delete": 8}
    assert project.cloud == []
    assert project.latest.get("resources") in (None, [])


def test_what_dynamic_providers_do_and_get(tmp_path: Path) -> None:
    project = Project(tmp_path, {"region": "north", "token": "t"}).write(
        """
        from pulumi.dynamic import *

        class Silent(ResourceProvider):
            # No check, diff, update or delete of its own.
            def configure(self, request):
                self.region = request.config.require("region")

            def create(self, props):
                return CreateResult(f"in-{self.region}", {"region": self.region, "asked": props.get("asked")})

            def read(self, id, props):
                return ReadResult(id, {"found": True}, {"asked": "read"})

        class Silence(Resource):
            region: pulumi.Output[str]
            found: pulumi.Output[bool]
            def __init__(self, name, opts=None, **props):
                super().__init__(Silent(), name, {"region": None, "found": None, **props}, opts)

        pulumi.export("region", Silence("one", asked=1).region)
        pulumi.export("found", Silence("two", pulumi.ResourceOptions(id="existing")).found)
        """
    )
    first = project.up()
    assert first.errors == []
    assert first.finished.outputs == {"region": "north", "found": True}
    assert project.recorded("one")["id"] == "in-north"
    assert project.recorded("two")["external"] is True
    # A comparison that says nothing leaves it to the inputs.
    assert project.up().changes == {"same": 2}
    main = tmp_path / "__main__.py"
    main.write_text(main.read_text().replace("asked=1", "asked=2"))
    preview = project.preview(every_state=True)
    assert preview.changes == {"same": 1, "update": 1}
    (step,) = (step for step in preview.document["steps"] if step["op"] == "update")
    assert step["detailedDiff"] == {"asked": {"kind": "update", "inputDiff": True}}


def test_failures_are_told_and_what_was_done_is_kept(tmp_path: Path) -> None:
    project = Project(tmp_path).write(
        """
        from things import Thing
        for index in range(10):
            Thing(f"t{index}", broken="number five" if index == 5 else None)
        """
    )
    run = project.up()
    assert run.finished.outcome == "failed"
    assert run.finished.cause == "resource"
    assert run.errors == ["Exception: cannot make number five"]
    # What was under way is finished and kept; what had not begun by then does not begin.
    missing = [f"t{index}" for index in range(10) if f"t{index}" not in project.recorded_names()]
    assert "t5" in missing
    assert {name for _, name in run.steps} - {"t5"} == set(project.recorded_names())
    assert "pending_operations" not in project.latest
    main = tmp_path / "__main__.py"
    main.write_text(main.read_text().replace("number five", ""))
    assert sorted(project.up().steps) == [("create", each) for each in missing]
    # All that a check objects to is told at once.
    main.write_text(main.read_text().replace("broken=", "size=-1, weight=-2, broken="))
    run = project.preview()
    assert any("size: must not be negative; weight: must not be negative" in message for message in run.errors)


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ('pulumi.ComponentResource("pkg:index:Remote", "r", {}, remote=True)', "remote component"),
        ('pulumi.CustomResource("pkg:index:It", "r", {}, pulumi.ResourceOptions(import_="id-1"))', "import"),
        ('a = pulumi.ComponentResource("t:m:A", "a"); '
         'pulumi.ComponentResource("t:m:A", "b", {}, pulumi.ResourceOptions(replace_with=[a]))', "replacewith"),
        ("pulumi.runtime.register_resource_transform(lambda args: None)", "transform"),
        ('pulumi.ComponentResource("t:m:A", "a", {}, pulumi.ResourceOptions('
         'hooks=pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook("h", lambda args: None)])))', "hook"),
        ('pulumi.CustomResource("pkg:index:It", "r", {})', "the pkg plugin"),
        ('pulumi.runtime.invoke("pkg:index:get", {})', "pkg:index:get"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, program: str, named: str) -> None:
    project = Project(tmp_path).write(program, things=False)
    run = project.up()
    assert run.finished.outcome == "failed"
    text = "\n".join(run.errors).lower()
    assert named in text
    assert "use the pulumi command" in text
