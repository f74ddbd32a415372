"""A preview needs nothing: no plugin of a cloud, no passphrase, no network; what nobody can know is unknown."""

import json
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint import new_manifest
from engine.events import Severity
from engine.values import UNKNOWN_SENTINEL
from tests.engine.programs import PASSPHRASE, Project

PREFIX = "urn:pulumi:dev::yard::"
BUCKET = "aws:s3/bucket:Bucket"
PROVIDER_ID = "5f3c9a1e-0000-4000-8000-000000000000"

CLOUD_PROGRAM = """
class Bucket(pulumi.CustomResource):
    arn: pulumi.Output[str]
    bucket: pulumi.Output[str]
    def __init__(self, name, opts=None, **props):
        super().__init__("aws:s3/bucket:Bucket", name, {"arn": None, "bucket": None, **props}, opts)

def tell(value):
    raise Exception("an unknown value was given to the program")

logs = Bucket("logs", pulumi.ResourceOptions(version="7.51.1"), tags={"a": "1"}, forceDestroy=False)
data = Bucket("data", pulumi.ResourceOptions(version="7.51.1"), tags={"target": logs.arn})
data.arn.apply(tell)
found = Bucket("found", pulumi.ResourceOptions(id="existing-bucket", version="7.51.1"))
zones = pulumi.runtime.invoke_output("aws:index/getZones:getZones", {"all": True})
zones.apply(tell)
pulumi.export("arn", data.arn)
pulumi.export("zones", zones)
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)


def write_state(project: Project, resources: list[dict[str, Any]]) -> None:
    """The state that a deployment with the real plugins left."""
    deployment = {"manifest": new_manifest("v3.260.0", datetime.now(UTC)), "resources": resources}
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text(
        json.dumps({"version": 3, "checkpoint": {"stack": "organization/yard/dev", "latest": deployment}})
    )


def cloud_state(tags: dict[str, str]) -> list[dict[str, Any]]:
    """The stack, a default provider and a bucket whose plugin has filled in defaults."""
    stack = f"{PREFIX}pulumi:pulumi:Stack::yard-dev"
    provider = f"{PREFIX}pulumi:providers:aws::default_7_51_1"
    return [
        {"urn": stack, "custom": False, "type": "pulumi:pulumi:Stack"},
        {
            "urn": provider,
            "custom": True,
            "id": PROVIDER_ID,
            "type": "pulumi:providers:aws",
            "inputs": {"__internal": {}, "version": "7.51.1", "region": "eu-west-1", "skipRegionValidation": "true"},
            "outputs": {"version": "7.51.1"},
        },
        {
            "urn": f"{PREFIX}{BUCKET}::logs",
            "custom": True,
            "id": "logs-1234567",
            "type": BUCKET,
            "inputs": {
                "__defaults": ["acl", "bucket"],
                "acl": "private",
                "bucket": "logs-1234567",
                "forceDestroy": False,
                "tags": {"__defaults": [], **tags},
            },
            "outputs": {"arn": "arn:aws:s3:::logs-1234567", "bucket": "logs-1234567", "tags": tags},
            "parent": stack,
            "provider": f"{provider}::{PROVIDER_ID}",
        },
    ]


def steps_by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["urn"].rsplit("::", 1)[1]: step for step in document["steps"]}


def test_a_first_preview_of_cloud_resources(tmp_path: Path) -> None:
    run = Project(tmp_path).write(CLOUD_PROGRAM, things=False).preview(every_state=True)
    assert run.errors == []
    assert run.changes == {"create": 3}
    assert run.finished.plugins == ["aws"]
    assert run.finished.outputs == {"arn": UNKNOWN_SENTINEL, "zones": UNKNOWN_SENTINEL}
    (warning,) = run.messages(Severity.WARNING)
    assert "aws:index/getZones:getZones" in warning
    assert "unknown in this preview" in warning
    steps = steps_by_name(run.document)
    assert steps["data"]["newState"]["inputs"] == {"tags": {"target": UNKNOWN_SENTINEL}}
    assert steps["logs"]["provider"].startswith(f"{PREFIX}pulumi:providers:aws::default_7_51_1::")
    assert not (tmp_path / ".pulumi").exists()


def test_what_the_plugins_added_at_the_last_deployment_is_no_difference(tmp_path: Path) -> None:
    project = Project(tmp_path).write(CLOUD_PROGRAM, things=False)
    write_state(project, cloud_state({"a": "1"}))
    run = project.preview(every_state=True)
    assert run.errors == []
    assert run.changes == {"create": 1, "same": 2}
    # The outputs of the last deployment are known.
    steps = steps_by_name(run.document)
    assert steps["data"]["newState"]["inputs"] == {"tags": {"target": "arn:aws:s3:::logs-1234567"}}


def test_a_changed_input_of_a_cloud_resource_is_an_update_with_its_difference(tmp_path: Path) -> None:
    project = Project(tmp_path).write(CLOUD_PROGRAM, things=False)
    write_state(project, cloud_state({"a": "0", "b": "2"}))
    run = project.preview(every_state=True)
    step = steps_by_name(run.document)["logs"]
    assert (step["op"], step["diffReasons"]) == ("update", ["tags"])
    assert step["detailedDiff"] == {
        "tags.a": {"kind": "update", "inputDiff": True},
        "tags.b": {"kind": "delete", "inputDiff": True},
    }
    # Another version of the SDK brings another default provider, and replaces nothing.
    program = tmp_path / "__main__.py"
    program.write_text(program.read_text().replace("7.51.1", "7.52.0"))
    run = project.preview(every_state=True)
    assert run.changes == {"create": 1, "same": 1, "update": 1}


def test_an_explicit_provider_is_recorded_with_the_version_of_its_plugin(tmp_path: Path) -> None:
    program = """
    provider = pulumi.ProviderResource("aws", "mine", {"region": "eu-west-1"}, pulumi.ResourceOptions(version="7.51.1"))
    pulumi.CustomResource("aws:s3/bucket:Bucket", "logs", {"tags": {"a": "1"}, "forceDestroy": False},
                          pulumi.ResourceOptions(provider=provider))
    """
    project = Project(tmp_path).write(textwrap.dedent(program), things=False)
    stack, provider, bucket = cloud_state({"a": "1"})
    provider["urn"] = provider["urn"].replace("default_7_51_1", "mine")
    provider["parent"] = stack["urn"]
    del provider["inputs"]["skipRegionValidation"]
    bucket["provider"] = f"{provider['urn']}::{PROVIDER_ID}"
    write_state(project, [stack, provider, bucket])
    assert project.preview().changes == {"same": 3}
    main = tmp_path / "__main__.py"
    main.write_text(main.read_text().replace('"mine"', '"other"'))
    assert project.preview().changes == {"create": 1, "delete": 1, "same": 2}
    main.write_text(main.read_text().replace("eu-west-1", "us-east-1"))
    assert project.preview().changes == {"create": 1, "delete": 1, "replace": 1, "same": 1}


def test_an_update_of_cloud_resources_is_refused_by_name_before_anything_is_made(tmp_path: Path) -> None:
    run = Project(tmp_path).write(CLOUD_PROGRAM, things=False).up()
    assert run.finished.outcome == "failed"
    assert any("needs the aws plugin" in message or "getZones" in message for message in run.errors)
    assert all("use the pulumi command" in message for message in run.errors)
    assert run.steps == []


SECRET_PROGRAM = """
from things import Thing
config = pulumi.Config()
token = config.require_secret("token")
pulumi.export("token", token)
pulumi.export("maybe", config.get_secret("token"))
pulumi.export("number", config.get_secret_int("number"))
pulumi.export("length", token.apply(len))
Thing("holder", password=token)
Thing("plain", size=1)
"""


def test_without_the_passphrase_secrets_are_unknown_and_all_else_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, {"region": "north"}).write(SECRET_PROGRAM)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    project.set_secret("token", "hunter2")
    project.set_secret("number", "7")
    first = project.up()
    assert first.errors == []
    assert first.finished.outputs == dict.fromkeys(("token", "maybe", "number", "length"), "[secret]")
    assert project.preview().changes == {"same": 3}

    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    state = project.state_file.read_bytes()
    run = project.preview(every_state=True)
    assert run.errors == []
    assert run.steps == []
    assert run.changes == {"same": 3}
    assert "hunter2" not in repr(run.events)
    assert run.finished.outputs == dict.fromkeys(("token", "maybe", "number", "length"), "[secret]")
    # What changes beside a secret is still seen.
    program = tmp_path / "__main__.py"
    program.write_text(program.read_text().replace("size=1", "size=2"))
    assert project.preview().steps == [("update", "plain")]
    # An update is not made without it.
    run = project.up()
    assert run.finished.outcome == "failed"
    assert "PULUMI_CONFIG_PASSPHRASE" in run.errors[0]
    assert project.state_file.read_bytes() == state
