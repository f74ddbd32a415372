"""`yard destroy`: refuses by the name of what is in the way, goes ahead by that name, and tells what is left."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.application import run
from cli.destroy_guard import pass_guard
from cli.errors import CommandError
from cli.exit_status import ExitStatus
from engine.errors import EngineError
from tests.cli.yard import make_file_project, make_project, yard
from tests.lifecycle.teardown.conftest import use
from tests.lifecycle.teardown.moto_cloud import ACCOUNT, REGION, MotoCloud, moto_cloud
from tests.lifecycle.teardown.state_files import write_state

pytestmark = pytest.mark.xdist_group("moto_cloud")

STACK_FILE = """\
config:
  aws:region: eu-west-1
  shop:cloud: aws
  shop:environment: {environment}
  shop:aws: {{account_id: "{account}"}}
"""
FILE = 'from files import File\nFile("first", "{path}", "content")\n'
BUCKET = {"type": "aws:s3/bucket:Bucket", "name": "models", "id": "models"}
PULUMI = """\
#!{python}
import json, pathlib, sys
pathlib.Path({log!r}).write_text(json.dumps(sys.argv[1:]))
pathlib.Path({state!r}).unlink()
"""
"""Stands in for the real command, which cannot be had here: notes what it is asked for, and deletes everything."""


@pytest.fixture(scope="module")
def running_cloud() -> Iterator[MotoCloud]:
    """AWS on loopback."""
    with moto_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running_cloud: MotoCloud, monkeypatch: pytest.MonkeyPatch) -> MotoCloud:
    """An empty cloud, and this process's environment made to use it."""
    running_cloud.reset()
    use(running_cloud, monkeypatch)
    return running_cloud


def test_a_guarded_stack_is_destroyed_by_name_and_audited(tmp_path: Path) -> None:
    path = tmp_path / "first"
    config = "config: {shop:environment: prod}\n"
    project = make_file_project(tmp_path / "shop", FILE.format(path=path), config=config)
    assert yard("up", "-C", str(project), "--yes").code == ExitStatus.SUCCESS

    refused = yard("destroy", "-C", str(project), "--yes", "--override", "unverified-artifacts")
    assert refused.code == ExitStatus.CONFIGURATION, refused
    assert "protected-stack: stack local is protected: shop:environment is prod" in refused.err
    assert "--override unverified-artifacts is not needed" in refused.err
    assert "To go ahead all the same: --override protected-stack" in refused.err
    assert path.exists()

    left = project / ".pulumi" / "local" / "local" / "service" / "log.txt"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    destroyed = yard("destroy", "-C", str(project), "--yes", "--override", "protected-stack")
    assert destroyed.code == ExitStatus.LEFTOVERS, destroyed
    assert not path.exists()
    assert "overridden: protected-stack" in destroyed.err
    assert "not needed" not in destroyed.err
    assert f"is left: folder {left.parents[1]} (holds service/log.txt)" in destroyed.out
    assert f"  rm -r -- {left.parents[1]}" in destroyed.out
    assert left.exists()


def test_the_guard_comes_before_the_real_command_and_the_audit_after(
    cloud: MotoCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "shop", "", config=stack_file("dev", "999999999999"))
    state = write_state(project, "local", [BUCKET])
    log, programs = tmp_path / "log.json", tmp_path / "programs"
    programs.mkdir()
    pulumi = programs / "pulumi"
    pulumi.write_text(PULUMI.format(python=sys.executable, log=str(log), state=str(state)))
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    refused = yard("destroy", "-C", str(project), "--yes")
    assert refused.code == ExitStatus.CONFIGURATION, refused
    assert f"foreign-account: the credentials are of account {ACCOUNT}" in refused.err
    assert not log.exists()

    (project / "Pulumi.local.yaml").write_text(stack_file("dev", ACCOUNT))
    volume = plant(cloud, "shop-local")
    plant(cloud, "shop-local2")
    destroyed = yard("destroy", "-C", str(project), "--yes")
    assert destroyed.code == ExitStatus.LEFTOVERS, destroyed
    assert json.loads(log.read_text())[0] == "destroy"
    assert f"is left: EBS volume {volume}" in destroyed.out
    assert f"  aws ec2 delete-volume --volume-id {volume} --region {REGION}" in destroyed.out
    assert destroyed.out.count("is left: ") == 1


def test_artifacts_that_cannot_be_verified_are_in_the_way(
    cloud: MotoCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path / "shop", "", config=stack_file("dev", ACCOUNT))
    outputs = {
        "manifest_uri": "s3://models/digits/run1/manifest.json",
        "job": "digits",
        "run": "run1",
        "encryption_key_uri": f"aws-kms://arn:aws:kms:{REGION}:{ACCOUNT}:key/1234",
    }
    write_state(project, "local", [BUCKET], outputs)
    with pytest.raises(CommandError, match="unverified-artifacts: the artifacts of s3://models/digits") as raised:
        pass_guard(project, "local", [])
    assert raised.value.status == ExitStatus.CONFIGURATION
    pass_guard(project, "local", ["unverified-artifacts"])
    assert "overridden: unverified-artifacts" in capsys.readouterr().err
    # In another stack's bucket they outlive this one.
    write_state(project, "local", [{**BUCKET, "id": "others"}], outputs)
    pass_guard(project, "local", [])


def test_without_credentials_nothing_is_destroyed(
    cloud: MotoCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "shop", "", config=stack_file("dev", ACCOUNT))
    write_state(project, "local", [BUCKET])
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(EngineError, match="there are no AWS credentials here"):
        pass_guard(project, "local", ["foreign-account"])
    assert cloud.asked == []


def test_an_unknown_obstacle_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["destroy", "-C", "/", "--override", "everything"], None) == ExitStatus.CONFIGURATION
    told = "--override everything: there is no obstacle of that name; there are: foreign-account, protected-stack"
    assert told in capsys.readouterr().err


def stack_file(environment: str, account: str) -> str:
    """The settings of a stack on AWS."""
    return STACK_FILE.format(environment=environment, account=account)


def plant(cloud: MotoCloud, cluster: str) -> str:
    """Leaves a volume of a cluster; its id."""
    tags = [{"Key": f"kubernetes.io/cluster/{cluster}", "Value": "owned"}]
    specification = [{"ResourceType": "volume", "Tags": tags}]
    volume = cloud.client("ec2").create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=specification)
    return str(volume["VolumeId"])
