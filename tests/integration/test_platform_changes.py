"""What a preview tells, and an update does, when a setting changes or the cloud dies with all that it held."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.exit_status import ExitStatus
from infra.local import process, records
from tests.cli.yard import ROOT, yard
from tests.infra.local.support import remove_stack_folder

PROGRAM = """
from pathlib import Path

import pulumi

from infra.platform import EntryPoint, Identity, JobSpecification, create_platform
from infra.settings import load_settings

platform = create_platform(load_settings(), workload="digits")
document = platform.datasets_uri.apply(lambda uri: {"datasets_uri": uri})
environment = {"PYTHONPATH": str(Path.cwd())}
job = JobSpecification(EntryPoint("stub", "stub", ()), document, Identity.LOADER, 60, environment=environment)
platform.cluster.run_job("job", job)
"""
JOB = """
import json, sys
from pathlib import Path

import boto3

bucket = json.loads(Path(sys.argv[-1]).read_text())["datasets_uri"].removeprefix("s3://")
s3 = boto3.client("s3")
assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
s3.put_object(Bucket=bucket, Key="digits/one", Body=b"1")
print("stored")
"""


BUCKETS = ("datasets", "checkpoints", "models", "logs")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The platform with one short job that stores an object in a bucket that it finds empty."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    for name in ("infra", "planning"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "Pulumi.local.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "stub.py").write_text(JOB)
    yield tmp_path
    remove_stack_folder(tmp_path / ".pulumi" / "local" / "local")


def run(project: Path, *arguments: str) -> str:
    done = yard(*arguments, "-C", str(project))
    assert done.code == ExitStatus.SUCCESS, done.out + done.err
    return done.out


def operations(project: Path) -> dict[str, str]:
    """The operation on each resource that a preview announces, by name; what stays as it is left out."""
    document = json.loads(run(project, "preview", "--json"))
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in document["steps"]}
    return {name: operation for name, operation in steps.items() if operation != "same"}


def test_what_died_with_the_cloud_is_told_and_built_again(project: Path) -> None:
    stack_folder = project / ".pulumi" / "local" / "local"
    run(project, "up", "--yes")
    recorded = records.read_record(stack_folder / "cloud" / records.PROCESS) or {}
    cloud = psutil.Process(recorded["child"]["pid"])
    cloud.kill()
    psutil.wait_procs([cloud], timeout=10)
    noticed = run(project, "preview")
    assert "its process has ended, and everything that was in it is gone" in noticed
    told = operations(project)
    assert {told[name] for name in ("local-cloud", "local-key", *BUCKETS, "job")} == {"replace"}

    rebuilt = run(project, "up", "--yes")
    assert "job: stored" in rebuilt, "what was stored is lost, so the job is run again"
    run(project, "preview", "--expect-no-changes")

    run(project, "destroy", "--yes")
    assert process.processes_of(stack_folder) == []
    assert not stack_folder.exists()


def test_a_new_owner_is_written_on_everything_and_costs_nothing(project: Path) -> None:
    run(project, "up", "--yes")
    (project / "Pulumi.local.yaml").write_text("config:\n  trainyard:owner: ann@example.org\n")
    assert "replace" not in operations(project).values()
    changed = run(project, "up", "--yes")
    assert "job: stored" not in changed
    assert "8 updated" in changed
    run(project, "preview", "--expect-no-changes")
    run(project, "destroy", "--yes")
