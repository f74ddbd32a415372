"""The audit on this machine: what a killed stack leaves is named, nothing of another, and its commands remove it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from infra.local import folder, process, records
from lifecycle.teardown import audit_local
from lifecycle.teardown.audit import audit, removal_lines
from lifecycle.teardown.subject import Subject, read_subject

SLEEP = process.Launch(command=(sys.executable, "-c", "import time; time.sleep(600)"), environment={})


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Path]:
    """The folder of the stack `local`, beside a stack whose name begins as its own does; both are ended."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    stacks = [tmp_path / ".pulumi" / "local" / name for name in ("local", "local2")]
    for each in stacks:
        process.start(each / "service", SLEEP)
    yield stacks[0]
    for each in stacks:
        process.stop(each / "service")


def test_what_was_killed_is_found_and_removed_by_the_commands(stack: Path, tmp_path: Path) -> None:
    memory = audit_local.SHARED_MEMORY_FOLDER / f"trainyard_{os.getpid()}_{tmp_path.name}_region"
    folder.note_shared_memory(stack, memory.name.removesuffix("region"))
    memory.write_text("left")
    record = records.read_record(stack / "service" / records.PROCESS) or {}
    supervisor, child = (record[role]["pid"] for role in ("supervisor", "child"))
    os.kill(supervisor, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(supervisor)] if psutil.pid_exists(supervisor) else [], timeout=10)

    report = audit(subject(tmp_path))
    assert report.problems == ()
    kinds = [each.kind for each in report.leftovers]
    temporary = process.temporary_folder(stack / "service")
    outside = [] if temporary.is_relative_to(stack) else ["temporary folder"]
    assert kinds == ["process", "shared memory", *outside, "folder"]
    assert report.leftovers[0].id == str(child)
    assert report.leftovers[1].id == str(memory)
    assert report.leftovers[-1].id == str(stack)
    assert "service/process.json" in report.leftovers[-1].why
    assert set(folder.leftovers(stack)) != set()

    subprocess.run(["bash", "-euc", "\n".join(removal_lines(report.leftovers))], check=True)
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=10)
    after = audit(subject(tmp_path))
    assert after.leftovers == ()
    assert after.is_clean
    assert list(folder.leftovers(stack)) == []
    assert process.state_of(stack.with_name("local2") / "service").running


def test_what_would_start_others_again_is_killed_first(stack: Path, tmp_path: Path) -> None:
    record = records.read_record(stack / "service" / records.PROCESS) or {}
    killed = [each.id for each in audit(subject(tmp_path)).leftovers if each.kind == "process"]
    assert killed == [str(record[role]["pid"]) for role in ("supervisor", "child")]


def test_no_argument_of_a_process_is_told(stack: Path, tmp_path: Path) -> None:
    report = audit(subject(tmp_path))
    assert "time.sleep" not in repr(report)


def test_an_untouched_machine_is_clean(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    report = audit(subject(tmp_path))
    assert report.is_clean
    assert report.looked_at == ("processes", "shared memory", "temporary folders", "files")


def test_a_name_with_blanks_is_one_word_in_its_command(tmp_path: Path) -> None:
    project = tmp_path / "it's a project; touch $HOME"
    left = project / ".pulumi" / "local" / "local" / "service" / "log.txt"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    (project / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    lines = removal_lines(audit(subject(project)).leftovers)
    subprocess.run(["bash", "-euc", "\n".join(lines)], check=True)
    assert not left.parents[1].exists()
    assert audit(subject(project)).is_clean


def test_what_cannot_be_looked_at_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(psutil, "process_iter", refuse)
    report = audit(subject(tmp_path))
    assert report.problems == ("processes: [Errno 13] Permission denied",)
    assert not report.is_clean


def test_a_cloud_without_an_audit_is_never_clean(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    report = audit(replace(subject(tmp_path), cloud="moon"))
    assert not report.is_clean
    assert "moon" in report.problems[0]


def subject(project: Path) -> Subject:
    """The stack `local` of a project."""
    return read_subject(project, "local")
