"""`yard restore` and `yard cancel`: the ways back from a damaged state file and from a lock that nobody holds."""

import json
import shutil
from pathlib import Path

import pytest

from cli.exit_status import ExitStatus
from tests.cli.yard import make_file_project, yard

PROGRAM = """
import pulumi
from files import File

File("one", pulumi.Config().require("folder") + "/one", "content")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one file deployed."""
    cloud = tmp_path / "cloud"
    cloud.mkdir()
    project = make_file_project(tmp_path / "project", PROGRAM, config=f"config:\n  shop:folder: {cloud}\n")
    assert yard("up", "-C", str(project), "--yes").code == ExitStatus.SUCCESS
    return project


def test_a_damaged_state_is_named_and_restored(project: Path) -> None:
    state = project / ".pulumi" / "stacks" / "shop" / "local.json"
    damaged = state.read_bytes()[:-100]
    state.write_bytes(damaged)
    refused = yard("up", "-C", str(project), "--yes")
    assert refused.code == ExitStatus.CONFIGURATION
    assert f"{state} is damaged" in refused.out
    assert "yard restore" in refused.out

    asked = yard("restore", "-C", str(project))
    assert asked.code == ExitStatus.CONFIGURATION
    assert state.read_bytes() == damaged

    restored = yard("restore", "-C", str(project), "--yes")
    assert restored.code == ExitStatus.SUCCESS, restored
    [kept] = state.parent.glob("*.damaged*")
    assert str(kept) in restored.out
    assert kept.read_bytes() == damaged
    unchanged = yard("preview", "-C", str(project), "--expect-no-changes")
    assert unchanged.code == ExitStatus.SUCCESS, unchanged


def test_a_lock_from_another_machine_is_removed_on_demand(project: Path) -> None:
    folder = project / ".pulumi" / "locks" / "organization" / "shop" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "2f1d9a3c-5d3f-4e0a-9d7b-0c0f4f6f7a11.json"
    owner = {"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-01-02T03:04:05Z"}
    lock.write_text(json.dumps(owner))
    refused = yard("up", "-C", str(project), "--yes")
    assert refused.code == ExitStatus.ERROR
    assert "locked by ann@elsewhere (pid 1) since 2026-01-02 03:04:05 UTC" in refused.out
    assert "yard cancel" in refused.out

    asked = yard("cancel", "-C", str(project))
    assert asked.code == ExitStatus.CONFIGURATION
    assert lock.exists()

    cancelled = yard("cancel", "-C", str(project), "--yes")
    assert cancelled.code == ExitStatus.SUCCESS, cancelled
    assert not lock.exists()
    assert yard("up", "-C", str(project), "--yes").code == ExitStatus.SUCCESS


def test_a_stack_that_does_not_exist_has_nothing_to_repair(project: Path) -> None:
    shutil.rmtree(project / ".pulumi")
    for command in ("restore", "cancel"):
        lost = yard(command, "-s", "nowhere", "-C", str(project), "--yes")
        assert lost.code == ExitStatus.STACK_NOT_FOUND, lost
    assert not (project / ".pulumi").exists()
